"""The process `key_manager`."""

from __future__ import annotations

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.key_manager.service import KeyManager
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.process import run

if __name__ == "__main__":
    run("key_manager", KeyManagerSettings, KeyManager)

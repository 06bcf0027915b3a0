"""`python -m tpayd.sandbox.readers`."""

from __future__ import annotations

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.sandbox.readers.service import SandboxReaders
from tpayd.sandbox.readers.settings import SandboxReadersSettings

if __name__ == "__main__":
    run("sandbox_readers", SandboxReadersSettings, SandboxReaders)

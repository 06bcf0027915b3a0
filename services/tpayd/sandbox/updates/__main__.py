"""Starts the process."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.sandbox.updates.service import SandboxUpdates
from tpayd.sandbox.updates.settings import SandboxUpdatesSettings

if __name__ == "__main__":
    run("sandbox_updates", SandboxUpdatesSettings, SandboxUpdates)

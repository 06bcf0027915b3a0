"""Starts the process."""

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.sandbox.host.service import SandboxHost
from tpayd.sandbox.host.settings import SandboxHostSettings

if __name__ == "__main__":
    run("sandbox_host", SandboxHostSettings, SandboxHost)

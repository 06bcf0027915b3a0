"""Starts the process."""

from tpayd.kit.process import run
from tpayd.sandbox.host.service import SandboxHost
from tpayd.sandbox.host.settings import SandboxHostSettings

if __name__ == "__main__":
    run("sandbox_host", SandboxHostSettings, SandboxHost)

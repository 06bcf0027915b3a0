"""`python -m tpayd.sandbox.logs`."""

from __future__ import annotations

from tpayd.kit import first_steps

if __name__ == "__main__":
    first_steps.take()

from tpayd.kit.process import run
from tpayd.sandbox.logs.service import SandboxLogs
from tpayd.sandbox.logs.settings import SandboxLogsSettings

if __name__ == "__main__":
    run("sandbox_logs", SandboxLogsSettings, SandboxLogs)

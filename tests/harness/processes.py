"""One service as a bare process, as supervisor would start it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tpayd.kit.instance import Instance

_STOP_WAIT_S = 15.0


class ServiceProcess:
    """`python -m <module>` of one instance. What it prints goes to log/<name>.stderr."""

    def __init__(self, name: str, module: str, instance: Instance) -> None:
        self.name = name
        self._module = module
        self._instance = instance
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> Path:
        """What it printed itself, beside its log."""
        return self._instance.log / f"{self.name}.stderr"

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was not started"
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start it. From the main thread only: services end with the thread that started them."""
        assert not self.running, f"{self.name} runs already"
        with self.output.open("ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-m", self._module, "--home", str(self._instance.home)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal; SIGKILL also waits for its end."""
        assert self._child is not None
        self._child.send_signal(number)
        if number is signal.SIGKILL:
            self._child.wait(_STOP_WAIT_S)

    def stop(self, timeout_s: float = _STOP_WAIT_S) -> int:
        """SIGTERM, wait, and return its exit status. Raises TimeoutExpired where it stays (it is killed then)."""
        assert self._child is not None
        self._child.send_signal(signal.SIGTERM)
        self._child.send_signal(signal.SIGCONT)
        try:
            return self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def exit_status(self, timeout_s: float = _STOP_WAIT_S) -> int:
        """Wait for its end and return its exit status."""
        assert self._child is not None
        return self._child.wait(timeout_s)

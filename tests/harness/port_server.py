"""A real port server (Debian package ser2net) with one serial line behind it."""

from __future__ import annotations

import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import pytest

from tests.harness.ports import free_ports
from tests.harness.waiting import eventually

_STOP_WAIT_S = 10.0


class PortServer:
    """ser2net on loopback; `kind` is "rfc2217" or "socket". Use it by `with`; `start` and `stop` pull the network."""

    def __init__(self, directory: Path, line: Path, kind: str) -> None:
        program = shutil.which("ser2net", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if program is None:
            pytest.skip("ser2net is not installed: apt-get install ser2net")
        [self.number] = free_ports(1)
        self.url = f"{kind}://127.0.0.1:{self.number}"
        accepter = (
            f"telnet(rfc2217),tcp,127.0.0.1,{self.number}" if kind == "rfc2217" else f"tcp,127.0.0.1,{self.number}"
        )
        settings = directory / f"ser2net-{kind}.yaml"
        settings.write_text(
            f"connection: &reader\n  accepter: {accepter}\n  connector: serialdev,{line},38400n81,local\n"
            "  options:\n    kickolduser: true\n",
            encoding="utf-8",
        )
        self._command = [program, "-n", "-c", str(settings), "-P", str(directory / f"ser2net-{kind}.pid")]
        self._output = directory / f"ser2net-{kind}.out"
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self.kill(signal.SIGKILL)
            self._child.wait(_STOP_WAIT_S)

    def start(self) -> None:
        with self._output.open("ab") as output:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def stop(self) -> None:
        """The machine is switched off."""
        assert self._child is not None
        self.kill(signal.SIGKILL)
        self._child.wait(_STOP_WAIT_S)
        eventually(lambda: self._child is not None and self._child.poll() is not None, timeout_s=10, what="its end")

    def kill(self, number: signal.Signals) -> None:
        """SIGSTOP: the connection stands and nothing comes, as with a cable that is pulled; SIGCONT: it is back."""
        assert self._child is not None
        if self._child.poll() is None:
            self._child.send_signal(number)

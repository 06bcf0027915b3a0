"""The supervisord that runs, and whether it answers. Standard library only: the launcher runs it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
from pathlib import Path

from tpayd.supervision.processes import read_or_nothing

__all__ = ["KILL_WAIT_S", "Supervisord", "answers", "drain", "wait_readable"]

PROBE_WAIT_S = 5.0
KILL_WAIT_S = 10.0


class Supervisord:
    """A running supervisord, held by a pidfd: a process id that is used again is never taken for it."""

    def __init__(self, pid: int, environment: Path, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.environment = environment
        """It was started from there."""
        self._child = child
        self._pidfd = os.pidfd_open(pid)

    def ended(self, wait_s: float, wakeup: int | None = None) -> bool:
        """Whether it has ended, at the latest after `wait_s`, or as soon as `wakeup` can be read."""
        readable = wait_readable([self._pidfd] + ([wakeup] if wakeup is not None else []), wait_s)
        if wakeup is not None and wakeup in readable:
            drain(wakeup)
        return self._pidfd in readable

    def is_stopped(self) -> bool:
        """Whether somebody has sent it SIGSTOP."""
        # The state follows the command's name, which stands in brackets and may itself hold any character.
        return read_or_nothing(Path(f"/proc/{self.pid}/stat")).rpartition(b")")[2].split()[:1] == [b"T"]

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def close(self) -> None:
        """Let go of it, and take its exit status off the kernel if it was our child."""
        os.close(self._pidfd)
        if self._child is not None:
            self._child.wait(KILL_WAIT_S)


def answers(path: Path) -> bool:
    """Whether supervisord's loop turns: any answer to any request says so."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PROBE_WAIT_S)
        try:
            connection.connect(str(path))
            connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return connection.recv(1) != b""
        except OSError:
            return False


def wait_readable(descriptors: list[int], wait_s: float) -> set[int]:
    """Those that can be read, as soon as there is one, at the latest after `wait_s`."""
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poller.poll(int(wait_s * 1000))}


def drain(descriptor: int) -> None:
    """Read what is there, and forget it."""
    with contextlib.suppress(BlockingIOError):
        while os.read(descriptor, 64):
            pass

"""Whether the watchdog itself still does its rounds. Standard library only: the launcher runs it.

Supervisor sends it an event every five seconds, so its main thread is woken and sleeps again at least as often. The
kernel counts that, whatever release the watchdog is of: a count that stands still is a watchdog that somebody has
stopped, or that waits for what never comes. Then nobody would find the next process that hangs.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

from tpayd.supervision.processes import modules_of, read_or_nothing

__all__ = ["ASLEEP_LOOKS", "Wakefulness"]

ASLEEP_LOOKS = 6
"""Looks in a row at which its count has not moved: at one in five seconds, half a minute, or six of its rounds."""
_MODULE = "supervision.watchdog"
_SLEPT = re.compile(rb"^voluntary_ctxt_switches:\s*(\d+)", re.MULTILINE)


class Wakefulness:
    """Looks at one instance's watchdog, and kills one that sleeps; supervisor starts another."""

    def __init__(self, home: Path, note: Callable[..., None]) -> None:
        self._home = home
        self._note = note
        self._pid = 0
        self._slept = b""
        self._asleep = 0

    def look(self) -> None:
        """Look once more. Supervisor has to be awake: without its events the watchdog may sleep."""
        slept = self._slept_of(self._pid)
        if not slept:
            self._pid = self._find()
            slept = self._slept_of(self._pid)
        if not slept or slept != self._slept:
            self._slept, self._asleep = slept, 0
            return
        self._asleep += 1
        if self._asleep >= ASLEEP_LOOKS:
            self._note("watchdog.hung", pid=self._pid, looks=self._asleep)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            self.forget()

    def forget(self) -> None:
        """What was seen until now counts no more."""
        self._slept, self._asleep = b"", 0

    def _find(self) -> int:
        return next((pid for pid, module in modules_of(self._home).items() if module == _MODULE), 0)

    def _slept_of(self, pid: int) -> bytes:
        """How often its main thread has slept; nothing where it lives no more, or its number is somebody else's."""
        if os.fsencode(f"tpayd.{_MODULE}") not in read_or_nothing(Path(f"/proc/{pid}/cmdline")).split(b"\0"):
            return b""
        found = _SLEPT.search(read_or_nothing(Path(f"/proc/{pid}/task/{pid}/status")))
        return found[1] if found is not None else b""

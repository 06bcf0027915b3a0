"""What the watchdog does about an event: asks all processes, kills what hangs, starts again what was given up on.

The rules are in `vigil`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tpayd import __version__
from tpayd.kit.bus import ping
from tpayd.kit.clock import SystemClock
from tpayd.kit.instance import Instance
from tpayd.kit.log_file import LogFile, Retention
from tpayd.kit.logs import Log, LogTarget, make_log
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import ProcessInfo, Supervisor, SupervisorGoneError
from tpayd.supervision.programs import WATCHDOG
from tpayd.supervision.vigil import Vigil
from tpayd.supervision.watch_figures import WatchFigures

__all__ = ["Watchdog", "watching"]

PING_WAIT_S = 2.0
_FATAL = "PROCESS_STATE_FATAL"


class Watchdog:
    """One round after the other; the shell around `Vigil`."""

    def __init__(self, instance: Instance, log: Log, figures: WatchFigures) -> None:
        self._instance = instance
        self._supervisor = Supervisor(socket_file(instance))
        self._vigil = Vigil()
        self._log = log
        self._figures = figures

    def take(self, event: str, fields: dict[str, str]) -> None:
        """Act on one event of supervisor's."""
        if event == _FATAL:
            name = fields["processname"]
            if not self._vigil.waits(name):  # else a round has seen it first
                self._gave_up(name)
            return
        try:
            self._round(self._supervisor.processes())
        except SupervisorGoneError as error:
            self._log.warning("supervisor.silent", problem=str(error))

    def _gave_up(self, name: str) -> None:
        wait_s = self._vigil.gave_up(name, time.monotonic())
        self._figures.given_up(name)
        self._log.error("process.given_up", alarm=True, process=name, next_start_in_s=wait_s)

    def _round(self, processes: Sequence[ProcessInfo]) -> None:
        self._figures.round(processes)
        for process in self._vigil.hung(self._ping(self._vigil.to_ping(processes))):
            self._figures.hung(process.name)
            self._log.error("process.hung", alarm=True, process=process.name, pid=process.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for name in self._vigil.missed(processes):
            self._gave_up(name)
        for name in self._vigil.due(time.monotonic()):
            started = self._supervisor.start(name)
            self._log.warning("process.started_again", process=name, accepted=started)

    def _ping(self, processes: Sequence[ProcessInfo]) -> dict[ProcessInfo, bool]:
        """Ask all at once: a round must not take longer than the time between two."""
        asked = [process for process in processes if process.name != WATCHDOG]
        if not asked:
            return {}
        with ThreadPoolExecutor(len(asked)) as pool:
            answers = pool.map(lambda process: ping(self._instance.rpc(process.name), PING_WAIT_S), asked)
            return dict(zip(asked, answers, strict=True))


@contextlib.contextmanager
def watching(instance: Instance) -> Iterator[Watchdog]:
    """An instance's watchdog, with its log and its metrics."""
    clock = SystemClock()
    log_file = LogFile(instance.log, WATCHDOG, clock, Retention())
    log = make_log(LogTarget(WATCHDOG, clock, log_file))
    figures = WatchFigures(instance, __version__, clock)
    try:
        figures.serve(log)
        yield Watchdog(instance, log, figures)
    finally:
        figures.close()
        log_file.close()

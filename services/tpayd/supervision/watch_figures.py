"""What the watchdog measures: processes as supervisor sees them, the launcher, the disk, and its own rounds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from tpayd.kit.clock import Clock
from tpayd.kit.instance import Instance
from tpayd.kit.logs import Log
from tpayd.kit.metrics import Metrics
from tpayd.kit.scrape_target import write_target
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import load_store
from tpayd.supervision.control import ProcessInfo, ProcessState
from tpayd.supervision.daemon import launcher_pid
from tpayd.supervision.programs import WATCHDOG

__all__ = ["WatchFigures"]


class WatchFigures:
    """The watchdog's metrics. Names of processes are those of the programs that supervisor runs."""

    def __init__(self, instance: Instance, version: str, clock: Clock) -> None:
        self._instance = instance
        self._clock = clock
        self._metrics = metrics = Metrics(WATCHDOG, version)
        self._states = metrics.gauge(
            "process_state", "1 for the state a process has for supervisor", ("process", "state")
        )
        self._launcher = metrics.gauge("launcher_up", "1 while the launcher runs")
        self._round = metrics.gauge("last_round_timestamp_seconds", "When supervisor was last heard")
        self._hung = metrics.counter("hung", "Processes killed because they answered nothing", ("process",))
        self._given_up = metrics.counter("given_up", "Times that supervisor gave up on a process", ("process",))
        free = metrics.gauge("disk_free_bytes", "Space left for tpayd where the instance lies")
        free.set_function(lambda: _space(instance)[0])
        size = metrics.gauge("disk_size_bytes", "Size of the file system where the instance lies")
        size.set_function(lambda: _space(instance)[1])

    def serve(self, log: Log) -> None:
        """Serve /metrics on a free port and tell Prometheus; what fails there is logged, and the watch goes on."""
        try:
            port = self._metrics.serve(0, self._instance.run_file(WATCHDOG, "metrics"))
            store = load_store(self._instance.settings_file("store"))
            labels = {"store": store.merchant.id, "sandbox": str(store.sandbox).lower()}
            write_target(self._instance.home, WATCHDOG, port, labels)
        except (OSError, SettingsError) as error:
            log.warning("metrics.target_not_written", why=str(error))

    def close(self) -> None:
        """Stop serving."""
        self._metrics.close()

    def round(self, processes: Sequence[ProcessInfo]) -> None:
        """Supervisor was heard: it sees these processes."""
        self._round.set(self._clock.unix_ms() / 1000)
        self._launcher.set(launcher_pid(self._instance) is not None)
        for process in processes:
            for state in ProcessState:
                self._states.labels(process.name, state.value).set(process.state is state)
            # There before they count, so that an alert on their increase sees the first time as well.
            self._hung.labels(process.name)
            self._given_up.labels(process.name)

    def hung(self, process: str) -> None:
        """A process was killed because it answered nothing."""
        self._hung.labels(process).inc()

    def given_up(self, process: str) -> None:
        """Supervisor starts a process no more."""
        self._given_up.labels(process).inc()


def _space(instance: Instance) -> tuple[float, float]:
    """Bytes that are free for us, and bytes in all."""
    found = os.statvfs(instance.home)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize

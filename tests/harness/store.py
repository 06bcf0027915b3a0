"""A store of bare processes: quick to start, each in the test's own hand."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.harness.base import ALL_SERVICES, MODULES, StoreBase
from tests.harness.processes import ServiceProcess


class Store(StoreBase):
    """An instance whose processes are started by `with`: those of `services`, in that order (they need none)."""

    def __init__(
        self,
        directory: Path,
        *,
        services: Sequence[str] = ALL_SERVICES,
        lanes: int = 2,
        readers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        super().__init__(directory, lanes=lanes, readers=readers, settings=settings)
        self._wanted = tuple(services)
        self._processes = {name: ServiceProcess(name, module, self.instance) for name, module in MODULES.items()}

    def __enter__(self) -> Self:
        try:
            self.start(*self._wanted)
        except BaseException:
            self._clear()
            raise
        return self

    def __getitem__(self, service: str) -> ServiceProcess:
        return self._processes[service]

    def running(self) -> tuple[str, ...]:
        return tuple(name for name, process in self._processes.items() if process.running)

    def start(self, *services: str) -> None:
        """Start these services; returns at once."""
        for service in services:
            self._processes[service].start()

    def kill(self, service: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; SIGKILL also waits for the end."""
        self._processes[service].kill(number)
        if number is signal.SIGKILL:
            self._tidy(service)

    def restart(self, service: str) -> None:
        """SIGKILL, and a new start."""
        self.kill(service)
        self.start(service)

    def _tidy(self, service: str) -> None:
        """Deaths that a test wants are no crash loop."""
        self.instance.run_file(service, "starts").unlink(missing_ok=True)
        if service == "sandbox_readers":
            self._unlink_readers()

    def _clear(self) -> None:
        self._unlink_readers()
        for process in self._processes.values():
            if process.running:
                process.kill()
        super()._clear()

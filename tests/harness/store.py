"""A store of bare processes: quick to start, each in the test's own hand."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from msgspec import Struct

from tests.harness.ports import free_ports
from tests.harness.processes import ServiceProcess
from tests.harness.waiting import eventually
from tpayd.kit.bus import CallError, ask
from tpayd.kit.instance import Instance
from tpayd.provision import Plan, found
from tpayd.supervision.launcher import processes_of
from tpayd.supervision.programs import programs
from tpayd_contracts.health import HEALTH, Health, Readiness
from tpayd_contracts.operation import Empty, Op

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

MODULES = {program.name: program.module for program in programs(sandbox=True)}
ALL_SERVICES = tuple(MODULES)

_TAIL_LINES = 40


class Store:
    """An instance in a directory of the test, its processes started by `with`.

    `services` are started in that order (they need none); the others can be started later. `settings` changes
    settings by file: `{"device_broker": {"card_wait_s": 2.0}}`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        services: Sequence[str] = ALL_SERVICES,
        lanes: int = 2,
        readers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        gateway, sandbox_host = free_ports(2)
        ports = {"gateway": gateway, "sandbox_host": sandbox_host}
        ports |= {f"metrics.{service}": 0 for service in ALL_SERVICES}
        self.plan = Plan(sandbox=True, lanes=lanes, readers=readers, ports=ports)
        self.instance: Instance = found(self.plan, directory / "store", settings)
        self._wanted = tuple(services)
        self._processes = {name: ServiceProcess(name, MODULES[name], self.instance) for name in MODULES}

    def __enter__(self) -> Self:
        try:
            self.start(*self._wanted)
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.print_tails()
        self._clear()

    def __getitem__(self, service: str) -> ServiceProcess:
        return self._processes[service]

    def start(self, *services: str) -> None:
        """Start these services; returns at once."""
        for service in services:
            self._processes[service].start()

    def kill(self, service: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal; SIGKILL also waits for the end."""
        self._processes[service].kill(number)

    def restart(self, service: str) -> None:
        """SIGKILL, and a new start."""
        self.kill(service)
        self.start(service)

    def ask(self, service: str, op: Op[Q, A], body: Q, *, name: str = "cli", timeout_s: float = 5.0) -> A:
        """One request on a service's house socket, as the caller `name`. Raises CallError."""
        return ask(self.instance.rpc(service), op, body, name=name, timeout_s=timeout_s)

    def health(self, service: str, timeout_s: float = 1.0) -> Health | None:
        """What a service says of itself; None if it does not answer."""
        try:
            return self.ask(service, HEALTH, Empty(), timeout_s=timeout_s)
        except CallError:
            return None

    def wait_ready(self, *services: str, timeout_s: float = 20.0, degraded: bool | None = None) -> None:
        """Wait until these services (else all that run) are ready.

        `degraded` says whether that is enough; by default it is where not all services run.
        """
        waited = services or tuple(name for name, process in self._processes.items() if process.running)
        enough = {Readiness.READY}
        if degraded or (degraded is None and not all(process.running for process in self._processes.values())):
            enough.add(Readiness.DEGRADED)
        last: dict[str, Health | None] = {}

        def all_ready() -> bool:
            for service in waited:
                if not self._processes[service].running:
                    raise AssertionError(f"{service} has ended: {self._processes[service].exit_status()}")
                last[service] = self.health(service, 0.5)
            return all(health is not None and health.readiness in enough for health in last.values())

        eventually(all_ready, timeout_s=timeout_s, what=lambda: f"all ready; last heard: {last}")

    def logs(self, service: str) -> list[dict[str, Any]]:
        """The service's log, oldest line first."""
        path = self.instance.log / f"{service}.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def print_tails(self) -> None:
        """Print the end of each log, for whoever reads a failed test."""
        for path in sorted(self.instance.log.iterdir()):
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            if lines:
                print(f"--- {path.name}", *lines[-_TAIL_LINES:], sep="\n", file=sys.stderr)

    def _clear(self) -> None:
        """End every process of this instance, started here or not."""
        for pid in processes_of(self.instance.home):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes.values():
            if process.running:
                process.kill()
        eventually(
            lambda: not processes_of(self.instance.home),
            timeout_s=5.0,
            what=lambda: f"no process left: {processes_of(self.instance.home)}",
        )

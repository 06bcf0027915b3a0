"""`health.get`, answered by the kit for every service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from tpayd.kit.bus import Request
from tpayd.kit.clock import Clock
from tpayd.kit.loop_lag import LoopLag
from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.health import HEALTH, Dependency, Health, Readiness
from tpayd_contracts.operation import Empty

if TYPE_CHECKING:
    from tpayd.kit.house import House, Service

__all__ = ["Vitals", "answer_health"]

S = TypeVar("S", bound=ServiceSettings)


@dataclass
class Vitals:
    """Where a process is in its vitals."""

    version: str
    pid: int
    clock: Clock
    lag: LoopLag
    started: bool = False
    draining: bool = False
    service: Service | None = None
    noted_ready: bool = False
    """Whether it was READY when last noted; for the thread that serves metrics."""

    def __post_init__(self) -> None:
        self._since_us = self.clock.monotonic_us()

    @property
    def uptime_s(self) -> float:
        """Seconds since the process began."""
        return (self.clock.monotonic_us() - self._since_us) / 1e6

    def state(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        """The kit's word on STARTING and DRAINING, else the service's."""
        if self.draining:
            return Readiness.DRAINING, ()
        if not self.started or self.service is None:
            return Readiness.STARTING, ()
        return self.service.readiness()

    def note(self) -> None:
        """Remember the state for `noted_ready`. Called in the event loop, where a service may be asked."""
        self.noted_ready = self.state()[0] == Readiness.READY


def answer_health(house: House[S], vitals: Vitals, service: Service) -> None:
    """Register the handler of `health.get`; it answers while starting and draining as well."""
    vitals.service = service

    def health(_: Request, __: Empty) -> Health:
        readiness, dependencies = vitals.state()
        return Health(
            service=house.name, readiness=readiness, version=vitals.version, pid=vitals.pid,
            uptime_s=round(vitals.uptime_s, 3), loop_lag_ms=round(vitals.lag.longest_s * 1000, 3),
            dependencies=dependencies, sandbox=house.store.sandbox, profile=house.store.host_profile,
        )  # fmt: skip

    house.server.handle(HEALTH, health, while_draining=True)

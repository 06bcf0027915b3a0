"""One simulated process: its loop, its server, its callers, and the house that a real service is built on."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.simulation.bus import SimCaller, SimServer
from tests.simulation.loop import ProcessLoop
from tpayd.kit.settings_desk.served import Rules
from tpayd.kit.timers import Periodic

if TYPE_CHECKING:
    from tests.simulation.clock import SimClock
    from tests.simulation.world import World

__all__ = ["Process", "SimHouse"]


class Process:
    """Lives until `die`. A restart is another Process under the same name."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.clock: SimClock = world.clock
        self.loop = ProcessLoop(world.scheduler, name, self._unhandled)  # type: ignore[abstract]
        self.frozen_since_us = 0
        self.callers: dict[str, SimCaller] = {}
        self.timers: list[Periodic] = []
        self.server = SimServer(self, world.log_of(name))
        self.service: Any = None
        world.incarnations += 1
        self._chance = random.Random(f"{world.seed}:{name}:{world.incarnations}")

    @property
    def dead(self) -> bool:
        return self.loop.dead

    def caller(self, peer: str) -> SimCaller:
        found = self.callers.get(peer)
        if found is None:
            chance = random.Random(self._chance.random())
            found = self.callers[peer] = SimCaller(self, peer, chance, self.world.bus_faults)
        return found

    def freeze(self, until_us: int) -> None:
        """As SIGSTOP does, until that moment."""
        self.frozen_since_us = self.world.scheduler.now_us
        self.loop.frozen_until_us = until_us

    def die(self) -> None:
        """As SIGKILL does."""
        self.loop.die()
        for caller in self.callers.values():
            caller.owner_died()

    def fault(self, what: str) -> None:
        """Something that no process may do."""
        if not self.dead:
            self.world.violation(f"{self.name}: {what}")

    def _unhandled(self, name: str, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.fault(f"nobody handled {error!r}" if error is not None else str(context.get("message")))


class SimHouse:
    """`tpayd.kit.house.House`, as far as services use it."""

    def __init__(self, process: Process, settings: Any, store: Any) -> None:
        self.name = process.name
        self.settings = settings
        self.store = store
        self.clock = process.clock
        self.log = process.world.log_of(process.name)
        self.server = process.server
        self.metrics = _Nobody()
        self.publisher = _Nobody()
        self.instance = _Instance()
        self.rules: Rules[Any] = Rules()
        self.version = "0"
        self.incarnation = str(process.world.incarnations)
        self._process = process

    def caller(self, peer: str) -> SimCaller:
        return self._process.caller(peer)

    def call_every(self, period_s: float, work: Any) -> None:
        def faulted(error: Exception) -> None:
            self._process.fault(f"{getattr(work, '__qualname__', '?')} failed: {error!r}")

        self._process.timers.append(Periodic(period_s, work, faulted))

    def stop_timers(self) -> None:
        for timer in self._process.timers:
            timer.cancel()
        self._process.timers.clear()

    def subscribe(self, *_: Any) -> None:
        """Nothing financial depends on events."""


class _Instance:
    home = Path("/simulated")
    data = home / "data"
    config = home / "config"
    run = home / "run"
    secrets = home / "secrets"
    users = None

    def settings_file(self, name: str) -> Path:
        return self.config / f"{name}.toml"

    def data_of(self, _: str) -> Path:
        return self.data

    def secrets_of(self, _: str) -> Path:
        return self.secrets


class _Nobody:
    """Takes every call and every attribute: metrics and events that nobody reads."""

    def __getattr__(self, _: str) -> Callable[..., Any]:
        return self

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self

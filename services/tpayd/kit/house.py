"""What a service stands on, handed to it when it is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import zmq
from msgspec import Raw

from tpayd.kit.bus import Caller, Publisher, Server, Subscriber
from tpayd.kit.clock import Clock
from tpayd.kit.instance import Instance
from tpayd.kit.logs import Log
from tpayd.kit.metrics import Metrics
from tpayd.kit.settings import ServiceSettings
from tpayd.kit.settings_desk.desk import SettingsDesk
from tpayd.kit.settings_desk.served import Rules
from tpayd.kit.store_settings import StoreSettings
from tpayd.kit.timers import Periodic, Round
from tpayd.kit.trace_log import TraceLog
from tpayd_contracts.graph import OPS_OF
from tpayd_contracts.health import Dependency, Readiness

__all__ = ["House", "Service"]

S = TypeVar("S", bound=ServiceSettings)


class Service(Protocol):
    """One process's own part. The kit calls these in this order, each once, all in the event loop."""

    async def start(self) -> None:
        """Register handlers first, then open edges. Must not wait for other services: they start in any order.

        An exception ends the process; supervisor tries again.
        """
        ...

    async def drain(self) -> None:
        """Finish what is under way; new requests are refused already. Cancelled after `drain_s`."""
        ...

    async def stop(self) -> None:
        """Let go of everything, within five seconds, after a failed start as well. The bus still works."""
        ...

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        """READY or DEGRADED, and why. The kit itself tells STARTING and DRAINING."""
        ...


@dataclass(eq=False)
class House(Generic[S]):
    """One process's instance, settings, time, log, metrics and bus."""

    name: str
    instance: Instance
    settings: S
    store: StoreSettings
    clock: Clock
    metrics: Metrics
    log: Log
    traces: TraceLog
    """Where requests served under a trace are noted."""
    server: Server
    publisher: Publisher
    context: zmq.Context[zmq.Socket[bytes]]
    """For a service with a socket of its own: the gateway's public one."""
    version: str
    """Of the software."""
    incarnation: str
    """New at every start."""
    rules: Rules[S] = field(default_factory=Rules)
    """What the service adds about its settings while they are changed."""
    store_rules: Rules[StoreSettings] = field(default_factory=Rules)
    """The same about store.toml; for the service that answers for it."""
    desk: SettingsDesk | None = None
    """Answers the operations on settings; None in a process that none are asked of."""
    start_is_long: bool = False
    """True while the service's start does what may take minutes, and tells how far it is: it is not given up then."""
    _callers: dict[str, Caller] = field(default_factory=dict)
    _subscribers: list[Subscriber] = field(default_factory=list)
    _timers: list[Periodic] = field(default_factory=list)

    def caller(self, peer: str) -> Caller:
        """The connection to another service; made when first asked for. Raises ValueError for an unknown name."""
        caller = self._callers.get(peer)
        if caller is None:
            if peer not in OPS_OF:
                raise ValueError(f"{peer!r} is no service; the call graph knows {', '.join(OPS_OF)}")
            caller = Caller(
                self.name, peer, self.instance.rpc(peer), context=self.context, clock=self.clock, log=self.log,
                software=self.version, incarnation=self.incarnation, stats=self.metrics.requests,
            )  # fmt: skip
            caller.start()
            self._callers[peer] = caller
        return caller

    def subscribe(
        self,
        peer: str,
        topics: Sequence[str],
        on_event: Callable[[str, int, Raw], None],
        on_gap: Callable[[], None],
    ) -> None:
        """Hear another service's events: `on_event(topic, sequence, body)`; `on_gap()` when some were lost."""
        subscriber = Subscriber(
            self.instance.evt(peer), topics, on_event, on_gap, context=self.context, log=self.log.bind(peer=peer)
        )
        subscriber.start()
        self._subscribers.append(subscriber)

    def call_every(self, period_s: float, work: Round) -> None:
        """Call `work`, a function or a coroutine function, every `period_s` until the process stops.

        A fault is logged and counted, and the next round comes all the same. Rounds never overlap.
        """

        def faulted(error: Exception) -> None:
            self.metrics.loop_faults.inc()
            self.log.error("timer.fault", work=getattr(work, "__qualname__", "?"), exc_info=error)

        self._timers.append(Periodic(period_s, work, faulted))

    def stop_timers(self) -> None:
        """No more periodic work."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def close(self) -> None:
        """Take down the bus."""
        self.stop_timers()
        for subscriber in self._subscribers:
            await subscriber.close()
        for caller in self._callers.values():
            await caller.close()
        await self.server.close()
        await self.publisher.close()
        self.context.destroy(linger=0)

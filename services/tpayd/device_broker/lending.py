"""The pool at work: asks it, tells the readers and the waiting callers what follows, and keeps time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from tpayd.device_broker import errors
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.drivers.events import TroubleKind
from tpayd.device_broker.examination import Examination
from tpayd.device_broker.leases import (
    Effect,
    Ended,
    EndReason,
    Grant,
    Granted,
    Hopeless,
    LaneRules,
    Member,
    Moved,
    Ticket,
)
from tpayd.device_broker.ledger import Ledger
from tpayd.device_broker.pool import AllBarredError, NoneFitsError, Pool, PoolFullError
from tpayd.device_broker.reader import Reader
from tpayd.device_broker.standing import BrokerMetrics, Standing
from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd_contracts.device import Ability, BarReaders, DeviceState

__all__ = ["Lending", "Waiter"]

_ANSWER_EARLY_MS = 100
"""A wish that cannot be met is answered so long before its wait ends, so that the answer arrives within it."""


class Waiter(Protocol):
    """Who wants a reader."""

    request: Request
    until_ms: int
    """How long at most (CLOCK_BOOTTIME)."""

    def granted(self, grant: Grant) -> None:
        """Here it is."""
        ...

    def moved(self, position: int, expected_wait_ms: int | None) -> None:
        """The place in the queue, 1 is next; and how long it may take, once anything is known of that."""
        ...


class Lending:
    """See the module. `readers` is filled by its maker before anything is asked."""

    def __init__(
        self,
        pool: Pool,
        readers: Mapping[str, Reader],
        metrics: BrokerMetrics,
        standing: Standing,
        clock: Clock,
        *,
        bars: Bars,
        waiting_max: int,
    ) -> None:
        self._pool = pool
        self._bars = bars
        self._readers = readers
        self._metrics = metrics
        self._standing = standing
        self._clock = clock
        self._waiting_max = waiting_max
        self._waiters: dict[int, Waiter] = {}
        self._numbers = itertools.count(1)
        self.examined: list[Callable[[Reader, Examination], None]] = []
        """Who hears what came of each start and test of a reader."""
        self.identified: list[Callable[[Reader], None]] = []
        """Who hears what a reader says of itself, before anything is lent."""
        self.ledger = Ledger()

    @property
    def wanted(self) -> bool:
        """Whether anybody waits for a reader."""
        return bool(self._waiters)

    def is_idle(self, device: str) -> bool:
        """Whether nobody has this reader, nor waits for any."""
        return not self._waiters and self._pool.state(device) is DeviceState.READY

    # What callers want

    def want(
        self,
        waiter: Waiter,
        lane: str,
        ttl_us: int,
        *,
        abilities: frozenset[Ability] = frozenset(),
        avoid: frozenset[str] = frozenset(),
        only: str | None = None,
    ) -> None:
        """Lend a reader now or when it is its turn. Raises CallError if none will ever do, or too many wait."""
        ticket = Ticket(next(self._numbers), lane, ttl_us, abilities, avoid, only)
        try:
            effects = self._pool.acquire(ticket, self._clock.monotonic_us())
        except NoneFitsError:
            raise errors.none_fits() from None
        except AllBarredError as error:
            raise self._barred(error.devices) from None
        except PoolFullError:
            raise errors.queue_full(self._waiting_max) from None
        self._waiters[ticket.number] = waiter
        if effects:
            self._apply(effects)
        else:
            waiter.request.on_cancel(lambda: self._give_up(ticket.number, errors.cancelled_waiting()))

    def held(self, lease_id: str, fence: int) -> Grant:
        """The lease, if it is held. Raises CallError."""
        grant = self._pool.lease(lease_id, fence)
        if grant is None:
            raise errors.lease_unknown()
        if isinstance(grant, EndReason):
            raise errors.lease_over(grant)
        return grant

    def renew(self, lease_id: str, fence: int) -> bool:
        """A lease is still wanted; False if it is over."""
        return self._pool.renew(lease_id, fence, self._clock.monotonic_us())

    def give_back(self, lease_id: str, fence: int) -> None:
        """A lease is over; one that is already is no fault. A step under way is ended, and its reader reset."""
        grant = self._pool.lease(lease_id, fence)
        if not isinstance(grant, Grant):
            return
        reader = self._readers[grant.device]
        if reader.step is not None:
            reader.abandon(errors.cancelled())
        clean = reader.clean
        effects = self._pool.release(lease_id, fence, self._clock.monotonic_us(), clean=clean)
        if effects:
            self._apply(effects)
        if clean:
            self._standing.lent(grant.device)
        else:
            self._standing.changed(grant.device)
            reader.make_clean()

    def bar(self, told: BarReaders) -> None:
        """Which readers no payment gets. One that is not (or no longer) configured is no fault."""
        for name in self._bars.put(told.cause, told.bars) & self._readers.keys():
            self._standing.changed(name)
        self._apply(self._pool.bar(self._bars.devices, self._clock.monotonic_us()))

    def start_anew(self, device: str) -> bool:
        """Reset a reader that is idle; False if it is busy with itself just now."""
        reader = self._readers[device]
        self.on_unclean(reader, DeviceState.STARTING)
        try:
            reader.examine(lambda _: None)
        except CallError:
            reader.make_clean()
            return False
        return True

    def reset(self) -> None:
        """All leases of payments are over."""
        self._apply(self._pool.reset(self._clock.monotonic_us()))

    def refuse_waiting(self, error: CallError) -> None:
        """Nobody who waits will get a reader."""
        for number in list(self._waiters):
            self._give_up(number, error)

    def tick(self, now_us: int) -> None:
        """Time has passed; to be called often."""
        if self._waiters:
            limit_ms = self._clock.boottime_ms() + _ANSWER_EARLY_MS
            for number in [n for n, waiter in self._waiters.items() if waiter.until_ms <= limit_ms]:
                self._give_up(number, errors.none_came_free())
        self._apply(self._pool.tick(now_us))

    # Which readers there are

    def state(self, device: str) -> DeviceState:
        """How a reader stands."""
        return self._pool.state(device)

    def is_lent(self, device: str) -> bool:
        """Whether a lease of it is held."""
        return self._pool.holder(device) is not None

    def holder(self, device: str) -> str:
        """Who has it, for people; empty: nobody."""
        grant = self._pool.holder(device)
        if grant is None:
            return ""
        return f"lane {grant.lane}" if ":" not in grant.lane else f"a {grant.lane.partition(':')[0]} request"

    def rearrange(self, members: Iterable[Member], rules: Mapping[str, LaneRules]) -> None:
        """These are the readers and the lanes' rules from now on; one that is lent must be among them."""
        now_us = self._clock.monotonic_us()
        self._apply(self._pool.rearrange(members, rules, now_us))
        self._apply(self._pool.bar(self._bars.devices, now_us))

    def on_new(self, reader: Reader) -> None:
        """It takes the place of another one of its name, or is the first of it: nothing is known of it yet."""
        self._apply(self._pool.unready(reader.name, DeviceState.STARTING, self._clock.monotonic_us()))

    # What readers tell

    def on_clean(self, reader: Reader) -> None:
        self._standing.changed(reader.name)
        self._apply(self._pool.ready(reader.name, self._clock.monotonic_us()))

    def on_unclean(self, reader: Reader, state: DeviceState) -> None:
        self._standing.changed(reader.name)
        self._apply(self._pool.unready(reader.name, state, self._clock.monotonic_us()))
        if state is DeviceState.QUARANTINE and self._pool.holder(reader.name) is None:
            reader.make_clean()

    def on_trouble(self, reader: Reader, kind: TroubleKind) -> None:
        self._metrics.trouble(kind)
        self.ledger.count(reader.name, kind.value)
        if kind is TroubleKind.CORRUPT and self._pool.state(reader.name) is DeviceState.READY:
            self.on_unclean(reader, DeviceState.QUARANTINE)

    def on_identified(self, reader: Reader) -> None:
        for hear in self.identified:
            hear(reader)

    def on_examined(self, reader: Reader, examination: Examination) -> None:
        for hear in self.examined:
            hear(reader, examination)

    # How

    def _apply(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Granted):
                self._metrics.waited_s(effect.waited_us / 1e6)
                self._standing.lent(effect.grant.device)
                self.ledger.count(effect.grant.device, "leases")
                self._waiters.pop(effect.ticket.number).granted(effect.grant)
            elif isinstance(effect, Moved):
                waiter = self._waiters.get(effect.ticket.number)
                if waiter is not None:  # else an effect before this one gave him a reader
                    expected_us = effect.expected_wait_us
                    waiter.moved(effect.position, None if expected_us is None else expected_us // 1000)
            elif isinstance(effect, Ended):
                self._ended(effect)
            else:
                self._waiters.pop(effect.ticket.number).request.fail(self._hopeless(effect))

    def _ended(self, effect: Ended) -> None:
        device = effect.grant.device
        self._metrics.lease_ended(effect.why)
        self._standing.changed(device)
        reader = self._readers[device]
        if reader.step is not None:
            reader.abandon(errors.lease_ended(effect.why, reader.step.outcome_if_lost))
        if reader.clean:
            self._apply(self._pool.ready(device, self._clock.monotonic_us()))
        else:
            reader.make_clean()

    def _hopeless(self, effect: Hopeless) -> CallError:
        if effect.barred:
            return self._barred(effect.barred)
        return errors.none_fits() if effect.gone else errors.reader_absent()

    def _barred(self, devices: Iterable[str]) -> CallError:
        return errors.all_barred([bar for device in devices for bar in self._bars.of(device)])

    def _give_up(self, number: int, error: CallError) -> None:
        waiter = self._waiters.pop(number, None)
        if waiter is not None:
            self._pool.withdraw(number, self._clock.monotonic_us())
            waiter.request.fail(error)

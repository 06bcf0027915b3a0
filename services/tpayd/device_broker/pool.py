"""Who gets which reader: fair turns, leases and trust, without I/O.

The rules:

* A reader is lent to one payment at a time, for a limited time, under a lease whose fencing token is above that of
  every earlier lease.
* No lane is served twice by readers that another lane waits for: of those who wait for a reader, the lane whose last
  turn lies furthest back is next; within a lane, who came first.
* A reader that is barred, for whatever cause, is lent to no payment; work on the reader itself gets it all the same.
* Only a `READY` reader is lent. After a lease it is `READY` again if it is known to be clean, else in `QUARANTINE`
  until its driver says so.

Each method is an event at a moment of one monotonic clock, in microseconds, and returns what follows from it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

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
from tpayd_contracts.device import DeviceState

__all__ = ["ENDED_KEPT", "AllBarredError", "NoneFitsError", "Pool", "PoolFullError"]

ENDED_KEPT = 256
"""Ended leases of which the reason is remembered, for a caller that comes too late."""

_OF_ANY_LANE = LaneRules()


class NoneFitsError(Exception):
    """No reader would ever do."""


class AllBarredError(Exception):
    """Every reader that would do is barred."""

    def __init__(self, devices: tuple[str, ...]) -> None:
        super().__init__(", ".join(devices))
        self.devices = devices


class PoolFullError(Exception):
    """As many tickets wait as may."""


@dataclass(slots=True)
class _Seat:
    member: Member
    state: DeviceState = DeviceState.STARTING
    since_us: int = 0
    grant: Grant | None = None
    barred: bool = False


@dataclass(slots=True)
class _Waiting:
    ticket: Ticket
    since_us: int
    told: int | None = None


class Pool:
    """The readers, their leases and the queue.

    `first_fence` must be above every fencing token of earlier processes; `epoch` names this process in lease ids.
    """

    def __init__(
        self,
        members: Iterable[Member],
        *,
        first_fence: int,
        epoch: str,
        rules: Mapping[str, LaneRules] | None = None,
        waiting_max: int = 256,
        absent_grace_us: int = 10_000_000,
    ) -> None:
        self._seats = {member.name: _Seat(member) for member in members}
        self._rules = dict(rules or {})
        self._ready: dict[str, Member] = {}
        """Readers that are ready, the longest idle first."""
        self._leases: dict[str, Grant] = {}
        self._until_us: dict[str, int] = {}
        self._ended: OrderedDict[str, EndReason] = OrderedDict()
        self._waiting: dict[int, _Waiting] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._fence = first_fence
        self._epoch = epoch
        self._waiting_max = waiting_max
        self._absent_grace_us = absent_grace_us

    # What is

    @property
    def queue_length(self) -> int:
        return len(self._waiting)

    @property
    def lease_count(self) -> int:
        return len(self._leases)

    def state(self, device: str) -> DeviceState:
        return self._seats[device].state

    def holder(self, device: str) -> Grant | None:
        """The lease of a reader that is lent."""
        return self._seats[device].grant

    def lease(self, lease_id: str, fence: int) -> Grant | EndReason | None:
        """A lease that is held, why it is no longer, or None if it was never, or too long ago."""
        grant = self._leases.get(lease_id)
        if grant is not None:
            return grant if grant.fence == fence else None
        return self._ended.get(lease_id)

    def could_serve(self, ticket: Ticket) -> bool:
        """Whether any reader would do, now or later."""
        return any(self._fits(ticket, seat.member) for seat in self._seats.values())

    # What happens

    def acquire(self, ticket: Ticket, now_us: int) -> list[Effect]:
        """Somebody wants a reader. Raises NoneFitsError, AllBarredError and PoolFullError."""
        # Nobody who waits fits a reader that is ready, or he would have it: so nobody is passed here.
        member = self._best(ticket)
        if member is not None:
            return [self._grant(ticket, member, now_us, now_us)]
        if not self.could_serve(ticket):
            raise NoneFitsError
        if barred := self._all_barred(ticket):
            raise AllBarredError(barred)
        if len(self._waiting) >= self._waiting_max:
            raise PoolFullError(f"{self._waiting_max} wait for a reader already")
        self._waiting[ticket.number] = _Waiting(ticket, now_us)
        return []

    def withdraw(self, number: int) -> bool:
        """A ticket is taken back; False if it is not waiting (any more)."""
        return self._waiting.pop(number, None) is not None

    def renew(self, lease_id: str, fence: int, now_us: int) -> bool:
        """A lease is still wanted; False if it is over."""
        grant = self.lease(lease_id, fence)
        if not isinstance(grant, Grant):
            return False
        self._until_us[lease_id] = now_us + grant.ttl_us
        return True

    def release(self, lease_id: str, fence: int, now_us: int, *, clean: bool) -> list[Effect]:
        """A lease is given back; one that is over already is no fault."""
        grant = self.lease(lease_id, fence)
        if not isinstance(grant, Grant):
            return []
        self._end(grant, EndReason.RELEASED, now_us)
        return self.ready(grant.device, now_us) if clean else []

    def reset(self, now_us: int) -> list[Effect]:
        """All leases are over."""
        grants = list(self._leases.values())
        for grant in grants:
            self._end(grant, EndReason.RESET, now_us)
        return [Ended(grant, EndReason.RESET) for grant in grants]

    def ready(self, device: str, now_us: int) -> list[Effect]:
        """A reader is clean. One that is lent stays so."""
        seat = self._seats[device]
        if seat.grant is not None or seat.state is DeviceState.READY:
            return []
        self._set(seat, DeviceState.READY, now_us)
        return self._lend_on(seat, now_us)

    def bar(self, devices: Container[str], now_us: int) -> list[Effect]:
        """These readers are lent to no payment from now on, all others are. A lease that is held goes on."""
        effects: list[Effect] = []
        for name, seat in self._seats.items():
            was, seat.barred = seat.barred, name in devices
            if was and not seat.barred and seat.state is DeviceState.READY:
                effects.extend(self._lend_on(seat, now_us))
        for waiting in list(self._waiting.values()):
            if barred := self._all_barred(waiting.ticket):
                del self._waiting[waiting.ticket.number]
                effects.append(Hopeless(waiting.ticket, barred))
        return effects

    def unready(self, device: str, state: DeviceState, now_us: int) -> list[Effect]:
        """A reader is absent, starting or not trusted. A lease survives mere mistrust, and ends with the line."""
        seat = self._seats[device]
        grant = seat.grant
        if grant is not None:
            if state is DeviceState.QUARANTINE:
                return []
            self._end(grant, EndReason.DEVICE_LOST, now_us)
        if seat.state is not state:
            self._set(seat, state, now_us)
        return [] if grant is None else [Ended(grant, EndReason.DEVICE_LOST)]

    def tick(self, now_us: int) -> list[Effect]:
        """Time has passed: leases expire, hope ends, places in the queue are told."""
        effects: list[Effect] = []
        for grant in [self._leases[lease_id] for lease_id, until_us in self._until_us.items() if until_us <= now_us]:
            self._end(grant, EndReason.EXPIRED, now_us)
            effects.append(Ended(grant, EndReason.EXPIRED))
        if self._waiting:
            effects.extend(self._hopeless(now_us))
            effects.extend(self._moved())
        return effects

    # How

    def _set(self, seat: _Seat, state: DeviceState, now_us: int) -> None:
        seat.state = state
        seat.since_us = now_us
        member = seat.member
        self._ready.pop(member.name, None)
        if state is DeviceState.READY:
            self._ready[member.name] = member

    def _fits(self, ticket: Ticket, member: Member) -> bool:
        return ticket.fits(member, self._rules.get(ticket.lane, _OF_ANY_LANE))

    def _lent_to(self, ticket: Ticket, seat: _Seat) -> bool:
        """Whether that wish may have it, once it is ready."""
        return self._fits(ticket, seat.member) and not (seat.barred and ticket.only is None)

    def _best(self, ticket: Ticket) -> Member | None:
        """Of the readers that are ready: the lane's own, else of the pool that it prefers; then the longest idle."""
        pools = self._rules.get(ticket.lane, _OF_ANY_LANE).pools

        def rank(member: Member) -> int:
            return pools.index(member.pool) if member.lane is None and member.pool in pools else -1

        return min(
            (member for member in self._ready.values() if self._lent_to(ticket, self._seats[member.name])),
            key=rank,
            default=None,
        )

    def _lend_on(self, seat: _Seat, now_us: int) -> list[Effect]:
        waiting = self._next(seat) if self._waiting else None
        if waiting is None:
            return []
        del self._waiting[waiting.ticket.number]
        return [self._grant(waiting.ticket, seat.member, waiting.since_us, now_us)]

    def _all_barred(self, ticket: Ticket) -> tuple[str, ...]:
        """The readers that would do, if every one of them is barred."""
        seats = [seat for seat in self._seats.values() if self._fits(ticket, seat.member)]
        return () if any(self._lent_to(ticket, seat) for seat in seats) else tuple(seat.member.name for seat in seats)

    def _next(self, seat: _Seat) -> _Waiting | None:
        """Of those who wait: the lane that was served longest ago, then who came first."""
        fitting = [waiting for waiting in self._waiting.values() if self._lent_to(waiting.ticket, seat)]
        return min(fitting, key=lambda waiting: self._turns.get(waiting.ticket.lane, 0), default=None)

    def _grant(self, ticket: Ticket, member: Member, since_us: int, now_us: int) -> Granted:
        self._turn += 1
        self._turns[ticket.lane] = self._turn
        self._fence += 1
        lease_id = f"{self._epoch}-{self._turn}"
        grant = Grant(lease_id, self._fence, member.name, ticket.lane, ticket.ttl_us)
        self._leases[lease_id] = grant
        self._until_us[lease_id] = now_us + ticket.ttl_us
        seat = self._seats[member.name]
        seat.grant = grant
        self._set(seat, DeviceState.LEASED, now_us)
        return Granted(ticket, grant, now_us - since_us)

    def _end(self, grant: Grant, why: EndReason, now_us: int) -> None:
        del self._leases[grant.lease_id]
        del self._until_us[grant.lease_id]
        self._ended[grant.lease_id] = why
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)
        seat = self._seats[grant.device]
        seat.grant = None
        self._set(seat, DeviceState.QUARANTINE, now_us)

    def _hopeless(self, now_us: int) -> Iterator[Hopeless]:
        for waiting in list(self._waiting.values()):
            seats = [seat for seat in self._seats.values() if self._lent_to(waiting.ticket, seat)]
            since_us = max((seat.since_us for seat in seats), default=0)
            if (
                all(seat.state is DeviceState.ABSENT for seat in seats)
                and now_us - max(since_us, waiting.since_us) >= self._absent_grace_us
            ):
                del self._waiting[waiting.ticket.number]
                yield Hopeless(waiting.ticket)

    def _moved(self) -> Iterator[Moved]:
        for position, waiting in enumerate(self._in_turn(), start=1):
            if waiting.told != position:
                waiting.told = position
                yield Moved(waiting.ticket, position)

    def _in_turn(self) -> list[_Waiting]:
        """The queue as it would be served if every reader suited everybody."""
        rounds: dict[str, int] = {}
        order: list[tuple[int, int, int, _Waiting]] = []
        for arrival, waiting in enumerate(self._waiting.values()):
            lane = waiting.ticket.lane
            place = rounds.get(lane, 0)
            rounds[lane] = place + 1
            order.append((place, self._turns.get(lane, 0), arrival, waiting))
        order.sort(key=lambda entry: entry[:3])
        return [entry[3] for entry in order]

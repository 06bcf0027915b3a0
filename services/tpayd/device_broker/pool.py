"""Who gets which reader: fair turns, leases and trust, without I/O.

The rules:

* A reader is lent to one payment at a time, for a limited time, under a lease whose fencing token is above that of
  every earlier lease.
* Who wants a reader gets one of his lane's own, else of the pool that his lane prefers, else of the next; of those the
  one that has been idle longest. Who has to wait gets the first that comes free.
* No lane is served twice by readers that another lane waits for. `turns` says who is next, with priorities.
* A reader that is barred, for whatever cause, is lent to no payment; work on the reader itself gets it all the same.
* Only a `READY` reader is lent. After a lease it is `READY` again if it is known to be clean, else in `QUARANTINE`
  until its driver says so.

Each method is an event at a moment of one monotonic clock, in microseconds, and returns what follows from it.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Container, Iterable, Mapping

from tpayd.device_broker.figures import Durations, Figures
from tpayd.device_broker.leases import (
    Effect,
    Ended,
    EndReason,
    Grant,
    Granted,
    GroupStanding,
    LaneRules,
    Member,
    Ticket,
)
from tpayd.device_broker.queue import Queue
from tpayd.device_broker.seats import Seat, Seats
from tpayd.device_broker.turns import Turns
from tpayd_contracts.device import DeviceState

__all__ = ["ENDED_KEPT", "AllBarredError", "NoneFitsError", "Pool", "PoolFullError"]

# Each lease passes these, and to look a member up in its enum takes ten times as long.
_READY, _LEASED, _QUARANTINE = DeviceState.READY, DeviceState.LEASED, DeviceState.QUARANTINE
_RELEASED = EndReason.RELEASED

ENDED_KEPT = 256
"""Ended leases of which the reason is remembered, for a caller that comes too late."""


class NoneFitsError(Exception):
    """No reader would ever do."""


class AllBarredError(Exception):
    """Every reader that would do is barred."""

    def __init__(self, devices: tuple[str, ...]) -> None:
        super().__init__(", ".join(devices))
        self.devices = devices


class PoolFullError(Exception):
    """As many tickets wait as may."""


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
        self._seats = Seats(members, rules or {})
        self._turns = Turns(lambda lane: self._seats.rules_of(lane).priority)
        self._leases: dict[str, Grant] = {}
        self._until_us: dict[str, int] = {}
        self._ended: OrderedDict[str, EndReason] = OrderedDict()
        self._fence = first_fence
        self._epoch = epoch
        self._waiting_max = waiting_max
        self._absent_grace_us = absent_grace_us
        self._durations = Durations()
        self.figures = Figures()
        self._queue = Queue(self._seats, self._turns, self._durations, self.figures)

    # What is

    @property
    def queue_length(self) -> int:
        return len(self._queue)

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
        return self._seats.reach(ticket) != 0

    def groups(self) -> list[GroupStanding]:
        """How each pool, and each lane's own readers, stand."""
        return [
            GroupStanding(
                group,
                Counter(seat.state for seat in seats),
                sum(seat.barred for seat in seats),
                len(self._queue.for_any(readers)),
                self._durations.mean_us(group),
            )
            for group, readers in self._seats.groups.items()
            for seats in [self._seats.named(readers)]
        ]

    # What happens

    def acquire(self, ticket: Ticket, now_us: int) -> list[Effect]:
        """Somebody wants a reader. Raises NoneFitsError, AllBarredError and PoolFullError."""
        # Nobody who waits fits a reader that is ready, or he would have it: so nobody is passed here.
        seat = self._seats.best(ticket)
        if seat is not None:
            self._queue.passed_by_nobody(ticket, seat.group, now_us)
            return [self._grant(ticket, seat, now_us, now_us)]
        reach = self._seats.open(ticket)
        if not reach:
            if not self.could_serve(ticket):
                raise NoneFitsError
            raise AllBarredError(self._seats.names(self._seats.reach(ticket)))
        if len(self._queue) >= self._waiting_max:
            raise PoolFullError(f"{self._waiting_max} wait for a reader already")
        self._queue.join(ticket, reach, now_us)
        return []

    def withdraw(self, number: int, now_us: int) -> bool:
        """A ticket is taken back; False if it is not waiting (any more)."""
        return self._queue.give_up(number, now_us)

    def renew(self, lease_id: str, fence: int, now_us: int) -> bool:
        """A lease is still wanted; False if it is over."""
        grant = self.lease(lease_id, fence)
        if not isinstance(grant, Grant):
            return False
        self._until_us[lease_id] = now_us + grant.ttl_us
        return True

    def release(self, lease_id: str, fence: int, now_us: int, *, clean: bool) -> list[Effect]:
        """A lease is given back; one that is over already is no fault."""
        grant = self._leases.get(lease_id)
        if grant is None or grant.fence != fence:
            return []
        seat = self._end(grant, _RELEASED, now_us, _READY if clean else _QUARANTINE)
        return self._lend_on(seat, now_us) if clean else []

    def reset(self, now_us: int) -> list[Effect]:
        """All leases of payments are over; who works on a reader itself goes on."""
        grants = [grant for grant in self._leases.values() if grant.of_payment]
        for grant in grants:
            self._end(grant, EndReason.RESET, now_us)
        return [Ended(grant, EndReason.RESET) for grant in grants]

    def ready(self, device: str, now_us: int) -> list[Effect]:
        """A reader is clean. One that is lent stays so."""
        seat = self._seats[device]
        if seat.grant is not None or seat.state is _READY:
            return []
        self._put(seat, _READY, now_us)
        return self._lend_on(seat, now_us)

    def unready(self, device: str, state: DeviceState, now_us: int) -> list[Effect]:
        """A reader is absent, starting or not trusted. A lease survives mere mistrust, and ends with the line."""
        seat = self._seats[device]
        grant = seat.grant
        if grant is not None:
            if state is _QUARANTINE:
                return []
            self._end(grant, EndReason.DEVICE_LOST, now_us)
        if seat.state is not state:
            self._put(seat, state, now_us)
        return [] if grant is None else [Ended(grant, EndReason.DEVICE_LOST)]

    def bar(self, devices: Container[str], now_us: int) -> list[Effect]:
        """These readers are lent to no payment from now on, all others are. A lease that is held goes on."""
        lifted = self._seats.bar(devices)
        self._queue.look_again()
        effects = [effect for seat in lifted for effect in self._lend_on(seat, now_us)]
        return effects + list(self._queue.out_of_reach())

    def rearrange(self, members: Iterable[Member], rules: Mapping[str, LaneRules], now_us: int) -> list[Effect]:
        """These are the readers and the lanes' rules from now on; leases that are held go on.

        Raises LentError if a reader that is lent is not among them any more; nothing is changed then.
        """
        self._seats.rearrange(members, rules, now_us)
        self._queue.look_again()
        effects = [effect for seat in self._seats.ready() for effect in self._lend_on(seat, now_us)]
        return effects + list(self._queue.out_of_reach())

    def tick(self, now_us: int) -> list[Effect]:
        """Time has passed: leases expire, hope ends, places in the queue are told."""
        effects: list[Effect] = []
        for grant in [self._leases[lease_id] for lease_id, until_us in self._until_us.items() if until_us <= now_us]:
            self._end(grant, EndReason.EXPIRED, now_us)
            effects.append(Ended(grant, EndReason.EXPIRED))
        effects.extend(self._queue.hopeless(now_us, self._absent_grace_us))
        effects.extend(self._queue.moved())
        return effects

    # How

    def _put(self, seat: Seat, state: DeviceState, now_us: int) -> None:
        self._seats.put(seat, state, now_us)
        self._queue.changed = True

    def _lend_on(self, seat: Seat, now_us: int) -> list[Effect]:
        """Give a reader that is ready to whoever is next, if anybody waits for it."""
        served = self._queue.next(seat, now_us)
        return [] if served is None else [self._grant(served.ticket, seat, served.since_us, now_us)]

    def _grant(self, ticket: Ticket, seat: Seat, since_us: int, now_us: int) -> Granted:
        turn = self._turns.take(ticket.lane)
        self._fence += 1
        lease_id = f"{self._epoch}-{turn}"
        grant = Grant(lease_id, self._fence, seat.member.name, ticket.lane, ticket.ttl_us, ticket.only is None)
        self._leases[lease_id] = grant
        self._until_us[lease_id] = now_us + ticket.ttl_us
        seat.grant = grant
        seat.paying_since_us = now_us if ticket.only is None else None
        self._put(seat, _LEASED, now_us)
        return Granted(ticket, grant, now_us - since_us)

    def _end(self, grant: Grant, why: EndReason, now_us: int, state: DeviceState = _QUARANTINE) -> Seat:
        del self._leases[grant.lease_id]
        del self._until_us[grant.lease_id]
        self._ended[grant.lease_id] = why
        if len(self._ended) > ENDED_KEPT:
            self._ended.popitem(last=False)
        seat = self._seats[grant.device]
        if seat.paying_since_us is not None and why is _RELEASED:
            self._durations.note(seat.group, now_us - seat.paying_since_us)
        seat.grant = None
        self._put(seat, state, now_us)
        return seat

"""The readers of the pool: which are there, which would do for whom, which is taken first. No I/O.

Sets of readers are whole numbers with a bit for each, so that hundreds of waiting lanes cost little.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from msgspec import Struct

from tpayd.device_broker.leases import NO_GROUP, Grant, LaneRules, Member, Ticket, own_group
from tpayd_contracts.device import Ability, DeviceState

__all__ = ["LentError", "Seat", "Seats"]

_OF_ANY_LANE = LaneRules()
_READY, _ABSENT = DeviceState.READY, DeviceState.ABSENT
_CHOICES_KEPT = 4096
"""Answers to 'which readers would do for such a wish' that are remembered."""


class LentError(Exception):
    """A reader that was to be taken away is lent."""

    def __init__(self, device: str) -> None:
        super().__init__(f"{device} is lent: take it away when its lease is over")
        self.device = device


class Seat(Struct, eq=False):
    """One reader."""

    member: Member
    bit: int
    group: str = NO_GROUP
    """The member's, at hand."""
    state: DeviceState = DeviceState.STARTING
    since_us: int = 0
    grant: Grant | None = None
    barred: bool = False
    paying_since_us: int | None = None
    """When it was lent to a payment, not for work on the reader."""


class _Choice(Struct, frozen=True):
    """What there is for a kind of wish."""

    reach: int
    """The readers that would do, now or later, barred or not."""
    ready: tuple[dict[str, Seat], ...]
    """Of each group that it may be served from, the preferred one first, those that are ready."""


class Seats:
    """See the module."""

    def __init__(self, members: Iterable[Member], rules: Mapping[str, LaneRules]) -> None:
        self._seats: dict[str, Seat] = {}
        self._rules: dict[str, LaneRules] = {}
        self._ready: dict[str, dict[str, Seat]] = {}
        """By group, those that are ready, the longest idle first."""
        self.groups: dict[str, int] = {}
        """The readers of each group."""
        self._choices: dict[tuple[str, frozenset[Ability], frozenset[str], str | None], _Choice] = {}
        self._absent = 0
        self._barred = 0
        self.rearrange(members, rules, 0)

    def __getitem__(self, name: str) -> Seat:
        return self._seats[name]

    def __iter__(self) -> Iterator[Seat]:
        return iter(self._seats.values())

    def rules_of(self, lane: str) -> LaneRules:
        """What a lane may use; without rules of its own, what any may."""
        return self._rules.get(lane, _OF_ANY_LANE)

    # Changes

    def rearrange(self, members: Iterable[Member], rules: Mapping[str, LaneRules], now_us: int) -> None:
        """These are the readers and the lanes' rules from now on. Those that stay keep their state and their lease.

        Raises LentError, and changes nothing then.
        """
        named = {member.name: member for member in members}
        for name, seat in self._seats.items():
            if seat.grant is not None and name not in named:
                raise LentError(name)
        before, self._seats = self._seats, {}
        for number, (name, member) in enumerate(named.items()):
            seat = before.get(name) or Seat(member, 0, since_us=now_us)
            seat.member, seat.bit, seat.group = member, 1 << number, member.group
            self._seats[name] = seat
        self._rules = dict(rules)
        idle = [seat for ready in self._ready.values() for seat in ready.values() if seat.member.name in named]
        self._ready = {seat.group: {} for seat in self}
        for seat in sorted(idle, key=lambda seat: seat.since_us):
            self._ready[seat.group][seat.member.name] = seat
        self.groups = {group: _mask(s for s in self if s.group == group) for group in self._ready}
        self._absent = _mask(seat for seat in self if seat.state is DeviceState.ABSENT)
        self._barred = _mask(seat for seat in self if seat.barred)
        self._choices.clear()

    def put(self, seat: Seat, state: DeviceState, now_us: int) -> None:
        """A reader has a new state."""
        seat.state, seat.since_us = state, now_us
        name, ready = seat.member.name, self._ready[seat.group]
        ready.pop(name, None)
        if state is _READY:
            ready[name] = seat
        if state is _ABSENT:
            self._absent |= seat.bit
        elif self._absent:
            self._absent &= ~seat.bit

    def bar(self, devices: Container[str]) -> list[Seat]:
        """These are barred, all others are not. Returns the ready ones of which a bar was lifted."""
        lifted = []
        for seat in self:
            was, seat.barred = seat.barred, seat.member.name in devices
            if was and not seat.barred and seat.state is DeviceState.READY:
                lifted.append(seat)
        self._barred = _mask(seat for seat in self if seat.barred)
        return lifted

    # Questions

    def reach(self, ticket: Ticket) -> int:
        """The readers that would do, now or later, barred or not."""
        return self._choice(ticket).reach

    def open(self, ticket: Ticket) -> int:
        """Those of them that it may have: work on a reader gets it though it is barred."""
        return self.reach(ticket) if ticket.only is not None else self.reach(ticket) & ~self._barred

    def all_absent(self, readers: int) -> bool:
        """Whether each of these is absent."""
        return readers & ~self._absent == 0

    def named(self, readers: int) -> list[Seat]:
        """These readers."""
        return [seat for seat in self if seat.bit & readers]

    def names(self, readers: int) -> tuple[str, ...]:
        """What these readers are called."""
        return tuple(seat.member.name for seat in self.named(readers))

    def present(self, readers: int) -> Iterator[tuple[str, int]]:
        """How many of these are there, by group."""
        there = readers & ~self._absent
        for group, members in self.groups.items():
            if count := (there & members).bit_count():
                yield group, count

    def best(self, ticket: Ticket) -> Seat | None:
        """Of the readers that are ready: the lane's own, else of the pool that it prefers; then the longest idle."""
        if ticket.only is not None:
            seat = self._seats.get(ticket.only)
            return seat if seat is not None and seat.state is DeviceState.READY else None
        choice = self._choice(ticket)
        free = choice.reach & ~self._barred
        for ready in choice.ready:
            for seat in ready.values():
                if seat.bit & free:
                    return seat
        return None

    def preferred(self, ticket: Ticket) -> str:
        """The group that it would be served from first, if all readers were ready."""
        free = self.open(ticket)
        wanted = (own_group(ticket.lane), *self.rules_of(ticket.lane).pools)
        return next((group for group in wanted if self.groups.get(group, 0) & free), wanted[-1])

    def ready(self) -> list[Seat]:
        """Those that are ready, the longest idle of each group first."""
        return [seat for ready in self._ready.values() for seat in ready.values()]

    def _choice(self, ticket: Ticket) -> _Choice:
        key = (ticket.lane, ticket.abilities, ticket.avoid, ticket.only)
        choice = self._choices.get(key)
        if choice is None:
            rules = self.rules_of(ticket.lane)
            reach = _mask(seat for seat in self if ticket.fits(seat.member, rules))
            groups = (own_group(ticket.lane), *rules.pools)
            choice = _Choice(reach, tuple(self._ready[group] for group in groups if group in self._ready))
            if len(self._choices) >= _CHOICES_KEPT:
                self._choices.clear()
            self._choices[key] = choice
        return choice


def _mask(seats: Iterable[Seat]) -> int:
    mask = 0
    for seat in seats:
        mask |= seat.bit
    return mask

"""Readers are lent in fair turn, to one holder at a time, and only while they are trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tpayd.device_broker.figures import most_overtaken
from tpayd.device_broker.leases import Ended, EndReason, Grant, Granted, Hopeless, LaneRules, Member, Moved, Ticket
from tpayd.device_broker.pool import AllBarredError, NoneFitsError, Pool, PoolFullError
from tpayd.device_broker.settings import SHARED
from tpayd_contracts.device import Ability, DeviceState

TTL_US = 15_000_000


def pool_of(*members: Member, ready: bool = True, **options: Any) -> Pool:
    pool = Pool(members, first_fence=0, epoch="e", **options)
    if ready:
        for member in members:
            pool.ready(member.name, 0)
    return pool


def reader(
    name: str, lane: str | None = None, abilities: tuple[Ability, ...] = (Ability.IC,), pool: str = SHARED
) -> Member:
    return Member(name, frozenset(abilities), None if lane else pool, lane)


def ticket(number: int, lane: str = "1", **wishes: object) -> Ticket:
    return Ticket(number, lane, TTL_US, **wishes)  # type: ignore[arg-type]


def grant_in(effects: Sequence[object]) -> Grant:
    [granted] = [effect for effect in effects if isinstance(effect, Granted)]
    return granted.grant


def test_a_free_reader_is_lent_at_once() -> None:
    pool = pool_of(reader("a"))
    wish = ticket(1)
    expected = Granted(wish, Grant("e-1", 1, "a", "1", TTL_US), waited_us=0)
    assert [expected] == pool.acquire(wish, 5)
    assert pool.state("a") is DeviceState.LEASED


def test_a_released_reader_goes_to_who_waits() -> None:
    pool = pool_of(reader("a"))
    first = grant_in(pool.acquire(ticket(1), 0))
    assert pool.acquire(ticket(2, "2"), 10) == []
    effects = pool.release(first.lease_id, first.fence, 30, clean=True)
    assert [Granted(ticket(2, "2"), Grant("e-2", 2, "a", "2", TTL_US), waited_us=20)] == effects


def test_a_lane_is_not_passed_twice_by_another() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(0, "1"), 0))
    for number in range(1, 4):
        pool.acquire(ticket(number, "1"), 0)
    pool.acquire(ticket(9, "2"), 0)
    served = []
    for _ in range(4):
        held = grant_in(pool.release(held.lease_id, held.fence, 0, clean=True))
        served.append(held.lane)
    assert ["2", "1", "1", "1"] == served


def test_an_unclean_reader_is_lent_to_nobody_until_it_is_clean() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    assert pool.release(held.lease_id, held.fence, 0, clean=False) == []
    assert pool.state("a") is DeviceState.QUARANTINE
    assert pool.acquire(ticket(2), 0) == []
    assert grant_in(pool.ready("a", 0)).device == "a"


def test_places_in_the_queue_are_told_once_and_when_they_change() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(0), 0))
    second, third = ticket(1, "2"), ticket(2, "3")
    pool.acquire(second, 0)
    pool.acquire(third, 0)
    assert [Moved(second, 1), Moved(third, 2)] == pool.tick(0)
    assert pool.tick(1) == []
    pool.release(held.lease_id, held.fence, 2, clean=True)
    assert [Moved(third, 1, expected_wait_us=2)] == pool.tick(3)


def test_a_ticket_taken_back_is_never_served() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    pool.acquire(ticket(2), 0)
    assert pool.withdraw(2, 0)
    assert not pool.withdraw(2, 0)
    assert pool.release(held.lease_id, held.fence, 0, clean=True) == []


def test_a_lease_ends_unless_it_is_renewed() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    assert pool.renew(held.lease_id, held.fence, TTL_US - 1)
    assert pool.tick(TTL_US) == []
    assert [Ended(held, EndReason.EXPIRED)] == pool.tick(2 * TTL_US)
    assert not pool.renew(held.lease_id, held.fence, 2 * TTL_US)
    assert pool.lease(held.lease_id, held.fence) is EndReason.EXPIRED
    assert pool.state("a") is DeviceState.QUARANTINE


def test_an_old_fencing_token_opens_nothing() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    assert pool.lease(held.lease_id, held.fence - 1) is None
    assert pool.release(held.lease_id, held.fence - 1, 0, clean=True) == []
    assert held == pool.holder("a")


def test_a_reset_ends_every_lease_of_a_payment() -> None:
    """A key exchange on a reader goes on: it is not the transaction service's that starts anew."""
    pool = pool_of(reader("a"), reader("b"), reader("c"))
    exchange = grant_in(pool.acquire(ticket(1, only="b"), 0))
    held = [grant_in(pool.acquire(ticket(number), 0)) for number in (2, 3)]
    assert [Ended(grant, EndReason.RESET) for grant in held] == pool.reset(0)
    assert exchange == pool.holder("b")
    assert pool.lease_count == 1


def test_a_lost_reader_ends_its_lease_and_mistrust_alone_does_not() -> None:
    pool = pool_of(reader("a"))
    held = grant_in(pool.acquire(ticket(1), 0))
    assert pool.unready("a", DeviceState.QUARANTINE, 0) == []
    assert [Ended(held, EndReason.DEVICE_LOST)] == pool.unready("a", DeviceState.ABSENT, 0)


def test_a_reader_is_chosen_by_lane_ability_and_what_to_avoid() -> None:
    qr = reader("qr", abilities=(Ability.QR,))
    pool = pool_of(reader("shared"), reader("own", "1"), reader("other", "2"), qr)
    wishes = [
        ticket(1, abilities=frozenset({Ability.IC}), avoid=frozenset({"shared"})),
        ticket(2, abilities=frozenset({Ability.QR})),
        ticket(3, abilities=frozenset({Ability.IC})),
    ]
    assert ["own", "qr", "shared"] == [grant_in(pool.acquire(wish, 0)).device for wish in wishes]
    assert not pool.could_serve(ticket(4, abilities=frozenset({Ability.PIN})))


def test_waiting_for_absent_readers_ends() -> None:
    pool = pool_of(reader("a"), absent_grace_us=10)
    pool.unready("a", DeviceState.ABSENT, 0)
    pool.acquire(ticket(1), 5)
    assert [Moved(ticket(1), 1)] == pool.tick(14)
    assert [Hopeless(ticket(1))] == pool.tick(15)


def test_the_queue_is_bounded() -> None:
    pool = pool_of(reader("a"), ready=False, waiting_max=1)
    pool.acquire(ticket(1), 0)
    with pytest.raises(PoolFullError):
        pool.acquire(ticket(2), 0)


@dataclass
class Waiting:
    wish: Ticket
    passed_by: dict[str, int] = field(default_factory=dict)


class PoolLaws(RuleBasedStateMachine):
    """Any order of events keeps leases exclusive, tokens growing and turns fair, whatever the priorities."""

    members = (reader("a"), reader("b"), reader("c", pool="far"), reader("own-1", "1"), reader("own-2", "2"))
    rule_sets = (
        {"1": LaneRules(priority=9), "3": LaneRules(("far", SHARED), 5), "4": LaneRules((SHARED, "far"))},
        {"1": LaneRules(("far",)), "2": LaneRules((SHARED, "far"), 1), "4": LaneRules(priority=3)},
    )

    def __init__(self) -> None:
        super().__init__()
        self.in_force = self.rule_sets[0]
        self.pool = pool_of(*self.members, rules=self.in_force)
        self.now_us = 0
        self.number = 0
        self.barred: set[str] = set()
        self.waiting: dict[int, Waiting] = {}
        self.held: dict[str, Grant] = {}
        self.fences: dict[str, int] = {}

    def follow(self, effects: Sequence[object]) -> None:
        for effect in effects:
            if isinstance(effect, Granted):
                self.granted(effect)
            elif isinstance(effect, Ended):
                assert effect.grant == self.held.pop(effect.grant.device)
            elif isinstance(effect, Hopeless):
                del self.waiting[effect.ticket.number]

    def granted(self, effect: Granted) -> None:
        grant = effect.grant
        assert grant.device not in self.held, "a reader was lent twice"
        assert grant.fence > self.fences.get(grant.device, 0), "a fencing token did not grow"
        assert self.fits(effect.ticket, grant.device)
        self.held[grant.device] = grant
        self.fences[grant.device] = grant.fence
        self.waiting.pop(effect.ticket.number, None)
        for other in self.waiting.values():
            if other.wish.lane == grant.lane:
                other.passed_by.clear()
            elif self.fits(other.wish, grant.device):
                other.passed_by[grant.lane] = other.passed_by.get(grant.lane, 0) + 1

    def fits(self, wish: Ticket, name: str) -> bool:
        member = next(member for member in self.members if member.name == name)
        return wish.fits(member, self.in_force.get(wish.lane, LaneRules()))

    @rule(lane=st.sampled_from("1234"), avoid=st.sets(st.sampled_from(["a", "b"]), max_size=1))
    def acquire(self, lane: str, avoid: set[str]) -> None:
        self.number += 1
        wish = ticket(self.number, lane, avoid=frozenset(avoid))
        try:
            effects = self.pool.acquire(wish, self.now_us)
        except (NoneFitsError, AllBarredError):
            return
        if not effects:
            self.waiting[wish.number] = Waiting(wish)
        self.follow(effects)

    @precondition(lambda self: self.held)
    @rule(choice=st.integers(0, 99), clean=st.booleans())
    def release(self, choice: int, clean: bool) -> None:
        name = sorted(self.held)[choice % len(self.held)]
        grant = self.held.pop(name)
        self.follow(self.pool.release(grant.lease_id, grant.fence, self.now_us, clean=clean))

    @rule(name=st.sampled_from([member.name for member in members]))
    def clean(self, name: str) -> None:
        self.follow(self.pool.ready(name, self.now_us))

    @rule(
        name=st.sampled_from([member.name for member in members]),
        state=st.sampled_from([DeviceState.ABSENT, DeviceState.STARTING, DeviceState.QUARANTINE]),
    )
    def unready(self, name: str, state: DeviceState) -> None:
        self.follow(self.pool.unready(name, state, self.now_us))

    @precondition(lambda self: self.waiting)
    @rule(choice=st.integers(0, 99))
    def withdraw(self, choice: int) -> None:
        number = sorted(self.waiting)[choice % len(self.waiting)]
        del self.waiting[number]
        assert self.pool.withdraw(number, self.now_us)

    @rule(step_us=st.integers(0, TTL_US))
    def time_passes(self, step_us: int) -> None:
        self.now_us += step_us
        self.follow(self.pool.tick(self.now_us))

    @rule(devices=st.sets(st.sampled_from([member.name for member in members]), max_size=3))
    def bar(self, devices: set[str]) -> None:
        self.barred = devices
        self.follow(self.pool.bar(devices, self.now_us))

    @rule(rules=st.sampled_from(rule_sets))
    def rearrange(self, rules: dict[str, LaneRules]) -> None:
        """What lanes may use may change at any time."""
        self.in_force = rules
        self.follow(self.pool.rearrange(self.members, rules, self.now_us))

    @rule()
    def reset(self) -> None:
        self.follow(self.pool.reset(self.now_us))

    @invariant()
    def nobody_is_passed_twice_by_one_lane(self) -> None:
        for other in self.waiting.values():
            assert max(other.passed_by.values(), default=0) <= 1

    @invariant()
    def who_can_be_served_is_served(self) -> None:
        ready = [member.name for member in self.members if self.pool.state(member.name) is DeviceState.READY]
        free = [name for name in ready if name not in self.barred]
        assert not [waiting for waiting in self.waiting.values() for name in free if self.fits(waiting.wish, name)]

    @invariant()
    def the_books_agree(self) -> None:
        holders = {member.name: self.pool.holder(member.name) for member in self.members}
        assert self.held == {name: grant for name, grant in holders.items() if grant is not None}
        assert len(self.waiting) == self.pool.queue_length

    @invariant()
    def the_figures_say_so(self) -> None:
        assert most_overtaken(self.pool.figures.stands(self.now_us)) <= 1


PoolLaws.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestPoolLaws = PoolLaws.TestCase

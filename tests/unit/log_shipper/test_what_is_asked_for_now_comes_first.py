"""Which bundle comes next, and which has to go: a table of cases."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import pytest

from tpayd.log_shipper.queue import Step, Window, next_step, outranks, surplus
from tpayd_contracts.logs import Bundle, BundleState, ShipPriority

NOW_MS = 1_800_000_000_000
MIB = 1024 * 1024


def bundle(
    state: BundleState = BundleState.PACKED,
    priority: ShipPriority = ShipPriority.NOW,
    age_s: float = 0,
    **fields: object,
) -> Bundle:
    plain = Bundle(id=str(uuid.uuid4()), state=state, priority=priority, asked_ms=NOW_MS - int(age_s * 1000))
    return msgspec.structs.replace(plain, **fields)


def step(*bundles: Bundle, later_wait_s: float = 0.0, pack: bool = False) -> Step:
    return next_step(bundles, NOW_MS, later_wait_s, can_pack=pack, can_deliver=not pack, idle_s=300.0)


def test_now_goes_before_later_and_the_older_before_the_younger() -> None:
    """Whatever the order in which they were asked for."""
    old, young = bundle(age_s=20), bundle(age_s=10)
    later = bundle(priority=ShipPriority.LATER, age_s=30)

    assert [old, young, later] == [
        step(later, young, old).bundle, step(later, young).bundle, step(later).bundle
    ]  # fmt: skip


def test_what_waits_for_its_next_try_holds_nobody_up() -> None:
    """And is waited for no longer than needed."""
    waiting = bundle(age_s=20, next_try_ms=NOW_MS + 5000)
    ready = bundle()

    assert ready == step(waiting, ready).bundle
    assert Step(None, 5.0) == step(waiting)


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    """No try is a week off."""
    stuck = bundle(next_try_ms=NOW_MS + 7 * 86_400_000)

    assert stuck == step(stuck).bundle


def test_later_waits_for_its_window_and_is_packed_at_once() -> None:
    """So that it tells of the moment that was meant."""
    packed = bundle(priority=ShipPriority.LATER)
    asked = bundle(BundleState.ASKED, ShipPriority.LATER)

    assert Step(None, 60.0) == step(packed, later_wait_s=60)
    assert asked == step(asked, later_wait_s=60, pack=True).bundle


@pytest.mark.parametrize("state", [BundleState.SHIPPED, BundleState.STOPPED, BundleState.DROPPED])
def test_what_has_ended_is_left_alone(state: BundleState) -> None:
    """Nothing to do is looked at again after a while."""
    assert Step(None, 300.0) == step(bundle(state))


def test_only_now_interrupts_and_only_later() -> None:
    """A bundle that somebody waits for does not wait for one that nobody waits for."""
    now, later = bundle(), bundle(priority=ShipPriority.LATER)
    assert (True, False, False, False) == (
        outranks(now, later), outranks(later, now), outranks(now, now), outranks(later, later)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("window", "at", "wait_s"),
    [
        ("01:00-05:00", "00:59", 60), ("01:00-05:00", "01:00", 0), ("01:00-05:00", "04:59", 0),
        ("01:00-05:00", "05:00", 20 * 3600), ("23:00-02:00", "23:30", 0), ("23:00-02:00", "01:59", 0),
        ("23:00-02:00", "02:00", 21 * 3600), ("00:00-00:00", "12:00", 0),
    ],
)  # fmt: skip
def test_the_window_is_open_or_says_how_long_until(window: str, at: str, wait_s: float) -> None:
    """Also over midnight."""
    assert wait_s == Window.of(window).wait_s(datetime.fromisoformat(f"2026-03-02T{at}:00"))


def test_over_the_quota_the_oldest_later_goes_first_and_what_is_sent_now_stays() -> None:
    """Then the oldest of the others, until the rest fits."""
    sending = bundle(BundleState.SENDING, age_s=50, size_bytes=4 * MIB)
    old, young = bundle(age_s=40, size_bytes=4 * MIB), bundle(age_s=30, size_bytes=4 * MIB)
    later = bundle(priority=ShipPriority.LATER, age_s=10, size_bytes=4 * MIB)
    everything = (sending, old, young, later)

    def gone(limit_mib: int) -> list[Bundle]:
        return [one for one, _ in surplus(everything, limit_mib * MIB, 14, NOW_MS, sending.id)]

    assert [[], [later], [later, old], [later, old, young]] == [gone(16), gone(12), gone(8), gone(1)]


def test_what_is_too_old_goes_and_what_has_ended_counts_for_nothing() -> None:
    """14 days are enough to notice."""
    old = bundle(age_s=15 * 86_400, size_bytes=1)
    shipped = bundle(BundleState.SHIPPED, size_bytes=100 * MIB)

    found = surplus((old, shipped, bundle(size_bytes=MIB)), 2 * MIB, 14, NOW_MS, None)
    assert [(old, "it could not be delivered within 14 days")] == found

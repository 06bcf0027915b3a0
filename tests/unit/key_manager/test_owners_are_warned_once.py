"""An owner is warned 90, 30 and 7 days before a key expires, each once; and what is due is exchanged by night."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from tests.harness.clock import FakeClock
from tests.unit.key_manager.setting import LIFE_MS, NOW_MS, PROFILE, TERMINAL, key, reader_key
from tpayd.key_manager.expiry import warning_due
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.renewal import Hours, Renewal, due_keys
from tpayd.kit.bus import CallError
from tpayd_contracts.device import DeviceState
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.keys import KeyState

DAY_MS = 86_400_000
WARN_DAYS = (90, 30, 7)


def _warnings(record: KeyRecord, *, every_ms: int) -> list[tuple[int, int]]:
    """(days left, warning) over a key's whole life, looked at so often."""
    told = []
    for at_ms in range(NOW_MS, NOW_MS + LIFE_MS + 1, every_ms):
        days = warning_due(record, at_ms, WARN_DAYS)
        if days is not None:
            told.append((((record.expires_at_ms or 0) - at_ms) // DAY_MS, days))
            record = structs.replace(record, warned_days=days)
    return told


def test_each_warning_comes_once() -> None:
    """On its day, however often it is looked."""
    assert [(90, 90), (30, 30), (7, 7)] == _warnings(key(), every_ms=DAY_MS // 4)


def test_of_several_that_are_due_the_most_urgent_is_given() -> None:
    """A daemon that was off for months doesn't come with three warnings at once."""
    late_ms = NOW_MS + LIFE_MS - 5 * DAY_MS
    assert 7 == warning_due(key(), late_ms, WARN_DAYS)
    assert None is warning_due(key(warned_days=7), late_ms, WARN_DAYS)


def test_a_short_life_is_not_warned_of_at_its_beginning() -> None:
    """A key that lives 30 days is not warned of 90 days ahead, nor on its first day."""
    short = key(expires_at_ms=NOW_MS + 30 * DAY_MS)
    assert (None, 7) == tuple(warning_due(short, NOW_MS + days * DAY_MS, WARN_DAYS) for days in (0, 23))


@pytest.mark.parametrize("state", [state for state in KeyState if state is not KeyState.ACTIVE])
def test_only_keys_in_force_are_warned_of(state: KeyState) -> None:
    """A key that is replaced or expired already needs no warning."""
    assert None is warning_due(key(state=state), NOW_MS + LIFE_MS - 1, WARN_DAYS)


def test_what_is_due_is_what_expires_first() -> None:
    """Of this profile, in force or expired, within the days; the first to expire first."""
    soon, later = key(expires_at_ms=NOW_MS + 5 * DAY_MS), reader_key(expires_at_ms=NOW_MS + 20 * DAY_MS)
    fresh, retired = key(owner="TPAY0002"), key(owner="TPAY0003", state=KeyState.RETIRED, expires_at_ms=NOW_MS)
    over = key(owner="TPAY0004", state=KeyState.EXPIRED, expires_at_ms=NOW_MS - 1)
    assert [over, soon, later] == due_keys([fresh, later, retired, soon, over], PROFILE, NOW_MS, 30)


@pytest.mark.parametrize(("hour", "minute", "quiet"), [(4, 29, False), (4, 30, True), (6, 29, True), (6, 30, False)])
def test_the_quiet_hours(hour: int, minute: int, quiet: bool) -> None:
    """From the time set on, for so long."""
    assert quiet is Hours("04:30", 120).hold(datetime(2026, 1, 31, hour, minute, tzinfo=UTC))


def test_quiet_hours_go_over_midnight() -> None:
    """From 23:00 for two hours."""
    hours = Hours("23:00", 120)
    seen = [hours.hold(datetime(2026, 1, 31, hour, 30, tzinfo=UTC)) for hour in (22, 23, 0, 1)]
    assert [False, True, True, False] == seen


class _Desk:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: CallError | None = None

    async def terminal(self, name: str, *_: object, automatic: bool) -> None:
        await self._exchange(name, automatic)

    async def reader(self, name: str, *_: object, automatic: bool) -> None:
        await self._exchange(name, automatic)

    async def _exchange(self, name: str, automatic: bool) -> None:
        assert automatic
        self.asked.append(name)
        if self.error is not None:
            raise self.error


class _Night:
    """04:30 in a shop with a terminal and a reader whose keys are due."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.clock.advance(16.5 * 3600)
        self.desk = _Desk()
        self.state = DeviceState.READY
        self.keyring = Keyring([key(expires_at_ms=NOW_MS + DAY_MS), reader_key(expires_at_ms=NOW_MS + 2 * DAY_MS)])
        self.before_days = 30

    def look(self) -> list[str]:
        """One look; whose exchange was tried."""
        standing: Any = SimpleNamespace(device_of=lambda _: SimpleNamespace(name="reader-1", state=self.state))
        log: Any = SimpleNamespace(info=lambda *_, **__: None)
        self.renewal = getattr(self, "renewal", None) or Renewal(
            desk=self.desk,  # type: ignore[arg-type]
            standing=standing,
            keyring=self.keyring,
            profile=PROFILE,
            terminals=frozenset({TERMINAL}),
            before_days=self.before_days,
            hours=Hours("04:30", 120),
            clock=self.clock,
            now_ms=lambda: NOW_MS,
            chance=lambda: 0.5,
            log=log,
        )
        self.desk.asked.clear()
        asyncio.run(self.renewal.look())
        return list(self.desk.asked)


def test_due_keys_are_exchanged_one_after_the_other() -> None:
    """At the quiet hour; the first to expire first."""
    assert [TERMINAL, "reader-1"] == _Night().look()


def test_by_day_nothing_is_exchanged() -> None:
    """Trading goes first, however near the expiry."""
    night = _Night()
    night.clock.advance(4 * 3600)
    assert [] == night.look()


def test_a_store_may_want_all_exchanges_by_hand() -> None:
    """`renew_before_days = 0`."""
    night = _Night()
    night.before_days = 0
    assert [] == night.look()


def test_a_reader_that_is_not_idle_is_left_alone() -> None:
    """Its customer is served; the next look tries again."""
    night = _Night()
    night.state = DeviceState.LEASED
    assert [TERMINAL] == night.look()


def test_what_failed_is_tried_again_later_and_later() -> None:
    """After two minutes, then four, as chance spreads it; the next night anew."""
    night = _Night()
    night.desk.error = CallError(ErrorCode.KEY_UNAVAILABLE, "refused")
    tried = []
    for minute in range(20):
        if night.look():
            tried.append(minute)
        night.clock.advance(60)
    assert [0, 2, 6, 14] == tried
    night.clock.advance(4 * 3600)
    assert [] == night.look()
    night.clock.advance(20 * 3600 - 1200)
    assert [TERMINAL, "reader-1"] == night.look()


def test_a_payment_that_goes_first_costs_a_short_wait() -> None:
    """Giving way is no failure: it is tried again two minutes later, each time."""
    night = _Night()
    night.desk.error = CallError.not_started(ErrorCode.LEASE_LOST, "gave way")
    tried = []
    for minute in range(9):
        if night.look():
            tried.append(minute)
        night.clock.advance(60)
    assert [0, 2, 4, 6, 8] == tried


def test_no_key_is_exchanged_while_the_store_is_frozen() -> None:
    """A broken audit chain: nothing may cover the gap."""
    night = _Night()
    night.keyring.frozen = "the audit chain is broken"
    assert [] == night.look()

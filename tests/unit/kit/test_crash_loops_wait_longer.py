"""A process that keeps dying waits longer each time; one that was told to stop does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.clock import FakeClock
from tpayd.kit.guard import CrashLoopGuard, Lives, next_lives, wait_s


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def guard(tmp_path: Path) -> CrashLoopGuard:
    return CrashLoopGuard(tmp_path / "gateway.starts")


def test_waits_grow_to_half_a_minute_and_stay_there() -> None:
    """Five quick starts are free, the sixth waits."""
    assert [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 30, 30] == [wait_s(starts) for starts in range(1, 13)]
    assert 30.0 == wait_s(10_000_000)


def test_a_loop_is_counted_across_its_own_waits(guard: CrashLoopGuard, clock: FakeClock) -> None:
    """The wait itself is no life: waits go on growing although starts get rare."""
    waits = []
    for _ in range(10):
        _, wait = guard.note_start(clock.boottime_ms())
        waits.append(wait)
        clock.advance(wait + 3)

    assert [0, 0, 0, 0, 0, 1, 2, 4, 8, 16] == waits


def test_a_life_that_lasted_ends_the_count(guard: CrashLoopGuard, clock: FakeClock) -> None:
    """A crash a minute is no loop."""
    for _ in range(20):
        assert (1, 0.0) == guard.note_start(clock.boottime_ms())
        clock.advance(60)


def test_a_clean_stop_ends_the_count(guard: CrashLoopGuard, clock: FakeClock) -> None:
    """Whoever restarts a service ten times by hand does not wait."""
    for _ in range(10):
        assert (1, 0.0) == guard.note_start(clock.boottime_ms())
        guard.note_clean_stop()


def test_a_reboot_ends_the_count() -> None:
    """The clock of another boot says nothing about this one."""
    assert 1 == next_lives(Lives("before", 9, 1_000), "now", 1_001).starts
    assert 10 == next_lives(Lives("same", 9, 1_000), "same", 1_001).starts


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[]", b'{"starts": "x"}'])
def test_a_damaged_record_is_no_record(tmp_path: Path, clock: FakeClock, content: bytes) -> None:
    """A torn file must not keep a service from starting."""
    (tmp_path / "gateway.starts").write_bytes(content)

    assert (1, 0.0) == CrashLoopGuard(tmp_path / "gateway.starts").note_start(clock.boottime_ms())


def test_an_unwritable_record_is_done_without(tmp_path: Path, clock: FakeClock) -> None:
    """Nor must a full disk."""
    guard = CrashLoopGuard(tmp_path / "missing" / "gateway.starts")

    assert (1, 0.0) == guard.note_start(clock.boottime_ms())
    guard.note_clean_stop()

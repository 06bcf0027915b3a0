"""Periodic work and the measure of the loop's own delay."""

from __future__ import annotations

import asyncio
import time

import pytest

from tpayd.kit.loop_lag import LoopLag
from tpayd.kit.timers import Periodic

PERIOD_S = 0.01


def test_a_fault_does_not_end_the_rounds() -> None:
    """Each round stands for itself, in functions and in coroutine functions."""

    async def scenario() -> tuple[list[str], int, int]:
        faults: list[str] = []
        rounds = [0, 0]
        enough = asyncio.Event()

        def plain() -> None:
            rounds[0] += 1
            raise ValueError("plain")

        async def waiting() -> None:
            rounds[1] += 1
            if min(rounds) >= 3:
                enough.set()
            raise ValueError("waiting")

        timers = [Periodic(PERIOD_S, work, lambda error: faults.append(str(error))) for work in (plain, waiting)]
        await asyncio.wait_for(enough.wait(), 5)
        for timer in timers:
            timer.cancel()
        return faults, rounds[0], rounds[1]

    faults, plain_rounds, waiting_rounds = asyncio.run(scenario())
    assert min(plain_rounds, waiting_rounds) >= 3
    assert {"plain", "waiting"} == set(faults)


def test_rounds_never_overlap_and_are_cancelled() -> None:
    """A round that takes longer than the period is skipped, not doubled; cancelling ends the one under way."""

    async def scenario() -> tuple[int, int, bool]:
        running = started = most = 0
        twice, cancelled = asyncio.Event(), asyncio.Event()

        async def slow() -> None:
            nonlocal running, started, most
            running, started = running + 1, started + 1
            most = max(most, running)
            if started == 2:
                twice.set()
            try:
                await asyncio.sleep(PERIOD_S * 5 if started == 1 else 60)
            except asyncio.CancelledError:
                cancelled.set()
                raise
            finally:
                running -= 1

        timer = Periodic(PERIOD_S, slow, lambda _: None)
        await asyncio.wait_for(twice.wait(), 5)
        timer.cancel()
        await asyncio.wait_for(cancelled.wait(), 5)
        return most, started, running == 0

    assert (1, 2, True) == asyncio.run(asyncio.wait_for(scenario(), 10))


def test_missed_beats_are_left_out() -> None:
    """After the loop was blocked, the work is done once, not as often as it was missed."""

    async def scenario() -> int:
        count = 0
        ticked = asyncio.Event()

        def tick() -> None:
            nonlocal count
            count += 1
            ticked.set()

        timer = Periodic(0.2, tick, lambda _: None)
        time.sleep(1.1)  # noqa: ASYNC251  the blocked loop is the point
        await ticked.wait()
        for _ in range(10):  # loop turns, in which a beat that was made up for would come
            await asyncio.sleep(0)
        timer.cancel()
        return count

    assert 1 == asyncio.run(scenario())


def test_a_blocked_loop_shows() -> None:
    """The longest delay is told, as soon as it happens."""

    async def scenario() -> tuple[float, float]:
        lag = LoopLag()
        lag.start()
        before = lag.longest_s
        time.sleep(0.6)  # noqa: ASYNC251  the blocked loop is the point
        during = lag.longest_s
        lag.stop()
        return before, during

    before, during = asyncio.run(scenario())
    assert before < 0.05
    assert 0.3 < during < 2


def test_an_old_delay_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the longest recent delay, not the longest ever."""
    monkeypatch.setattr("tpayd.kit.loop_lag._SAMPLE_S", 0.001)
    monkeypatch.setattr("tpayd.kit.loop_lag._WINDOW_SAMPLES", 5)

    async def scenario() -> None:
        lag = LoopLag()
        lag.start()
        time.sleep(0.2)  # noqa: ASYNC251  the blocked loop is the point
        assert lag.longest_s > 0.15
        while lag.longest_s > 0.15:  # noqa: ASYNC110  time itself is what is waited for
            await asyncio.sleep(0.001)
        lag.stop()

    asyncio.run(asyncio.wait_for(scenario(), 10))

"""When a caller takes its peer for hung."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
import structlog

from tests.harness.clock import FakeClock
from tpayd.kit.bus import limits
from tpayd.kit.bus.life_signs import LifeSigns


class Timer:
    def cancel(self) -> None: ...


class Loop:
    """A loop without time of its own: `due` is what its one timer calls next."""

    def __init__(self) -> None:
        self.due: Callable[[], None] | None = None

    def call_later(self, _delay_s: float, callback: Callable[[], None]) -> Timer:
        self.due = callback
        return Timer()


@pytest.fixture
def world() -> tuple[FakeClock, Loop, LifeSigns, list[bytes]]:
    clock, loop, sent = FakeClock(), Loop(), list[bytes]()
    log = structlog.wrap_logger(None, processors=[_swallow])
    life = LifeSigns(sent.append, clock=clock, loop=cast("asyncio.AbstractEventLoop", loop), log=log)
    life.start()
    return clock, loop, life, sent


def _swallow(*_: object) -> dict[str, Any]:
    raise structlog.DropEvent


World = tuple[FakeClock, Loop, LifeSigns, list[bytes]]


def _round(world: World, seconds: float = limits.PING_EVERY_S) -> bool:
    """Time passes, the timer fires; whether the peer counts as hung then."""
    clock, loop, life, _ = world
    clock.advance(seconds)
    assert loop.due is not None
    loop.due()
    return life.hung


def test_a_silent_peer_is_hung_in_time(world: World) -> None:
    """HUNG_AFTER_S after it fell silent, at the latest: right after a round it has just answered."""
    rounds = int(limits.HUNG_AFTER_S / limits.PING_EVERY_S)
    assert [False] * (rounds - 1) + [True] == [_round(world) for _ in range(rounds)]
    assert "4 s" in world[2].detail


def test_any_message_is_a_life_sign(world: World) -> None:
    """An answer in each round, however late in it: never hung; and the first one afterwards ends it."""
    _, _, life, sent = world
    for _ in range(10):
        assert not _round(world)
        life.heard()
    assert 10 == len(sent)
    assert any(_round(world) for _ in range(5))
    life.heard()
    assert not life.hung


def test_a_suspended_machine_proves_nothing(world: World) -> None:
    """Hours between two rounds: the peer was not asked in that time."""
    _, _, life, _ = world
    _round(world)
    life.heard()
    assert not _round(world, 3600.0)


def test_a_new_connection_starts_afresh(world: World) -> None:
    """What the old one had not answered does not count."""
    _, _, life, _ = world
    _round(world)
    _round(world)
    life.stop()
    life.start()
    assert not _round(world)
    assert not _round(world)

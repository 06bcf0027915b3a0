"""A start that does not end is given up after its time, unless it does what takes long, and says so."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from tpayd.kit import life
from tpayd.kit.life import ProcessLife


def a_life(monkeypatch: pytest.MonkeyPatch) -> ProcessLife[Any]:
    """One whose starts have ten milliseconds."""
    monkeypatch.setattr(life, "_START_MAX_S", 0.01)
    made: ProcessLife[Any] = ProcessLife.__new__(ProcessLife)
    made._stop = asyncio.Event()
    return made


async def test_what_takes_long_and_says_so_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An older journal's upgrade takes as long as it takes."""
    house: Any = SimpleNamespace(start_is_long=True)

    async def start() -> None:
        await asyncio.sleep(0.1)

    assert await a_life(monkeypatch)._start(house, SimpleNamespace(start=start))


async def test_what_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """From when it takes no longer what it may."""
    house: Any = SimpleNamespace(start_is_long=True)

    async def start() -> None:
        await asyncio.sleep(0.05)
        house.start_is_long = False
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError, match="had not started"):
        await a_life(monkeypatch)._start(house, SimpleNamespace(start=start))

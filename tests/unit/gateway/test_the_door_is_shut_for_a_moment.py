"""After a refusal for want of room the gateway refuses by itself; soon it asks again, and some it never stops."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.harness.clock import FakeClock
from tpayd.gateway.door import Door
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import OVERLOAD, ErrorCode, Outcome

FULL = CallError(
    ErrorCode.BUSY, "64 payments", outcome=Outcome.NOT_STARTED, retryable=True, detail=OVERLOAD, retry_after_ms=250
)


class Crowd:
    """A door, and orders that come to it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.door = Door(self.clock)
        self.told: list[CallError] = []

    def refused(self, key: str, error: CallError = FULL, after_s: float = 0.004) -> None:
        """An order is handed on, and `transaction` refuses it after a time."""
        self.door.check(key)
        request = SimpleNamespace(key=key, started_us=self.clock.monotonic_us(), fail=self.told.append)
        self.clock.advance(after_s)
        self.door.refused(cast("Any", request), error)

    def stops(self, key: str) -> bool:
        try:
            self.door.check(key)
        except CallError:
            return True
        return False


@pytest.mark.parametrize("after_s", [0.004, 3.0])
def test_a_refusal_shuts_it_for_a_moment(after_s: float) -> None:
    """Whoever comes meanwhile hears the same word for word; whoever comes then is handed on. A crowd that has gone
    keeps nobody out, however long the refusal took."""
    crowd = Crowd()
    crowd.refused("first", after_s=after_s)
    assert [FULL] == crowd.told
    crowd.clock.advance(0.0249)
    with pytest.raises(CallError) as refused:
        crowd.door.check("second")
    assert FULL.body() == refused.value.body()
    crowd.clock.advance(0.0002)
    assert not crowd.stops("second")
    assert not crowd.stops("third")


def test_who_has_his_answer_makes_room_for_another() -> None:
    """While it is shut as many pass as others are answered: nobody need ask whether there is room for them."""
    crowd = Crowd()
    crowd.door.answered()
    crowd.refused("first")
    assert crowd.stops("second")
    crowd.door.answered()
    crowd.door.answered()
    assert [False, False, True] == [crowd.stops(key) for key in ("second", "third", "fourth")]


def test_an_order_that_failed_makes_room_too() -> None:
    """Its place is as free as that of one that was paid."""
    crowd = Crowd()
    failed = SimpleNamespace(key="failed", started_us=0, fail=crowd.told.append)
    crowd.refused("first")
    crowd.door.refused(cast("Any", failed), CallError.unknown(ErrorCode.INTERNAL, "a fault"))
    assert [False, True] == [crowd.stops(key) for key in ("second", "third")]


def test_other_errors_shut_nothing() -> None:
    """Not even another `busy`: an update holds payments back for seconds, and says so itself."""
    crowd = Crowd()
    held = CallError(ErrorCode.BUSY, "about to restart", outcome=Outcome.NOT_STARTED, retryable=True, detail="update")
    crowd.refused("first", held)
    assert [held] == crowd.told
    assert not crowd.stops("second")


def test_what_was_handed_on_is_never_stopped() -> None:
    """Whoever sends a request id again hears what became of it, for 10,000 orders at least."""
    crowd = Crowd()
    crowd.door.check("begun")
    for number in range(9_998):
        crowd.door.check(f"other-{number}")
    crowd.refused("refused")
    assert not crowd.stops("begun")
    assert crowd.stops("refused")
    assert crowd.stops("new")


def test_it_forgets_in_the_end() -> None:
    """Its memory is bounded."""
    crowd = Crowd()
    crowd.door.check("begun")
    for number in range(20_000):
        crowd.door.check(f"other-{number}")
    crowd.refused("refused")
    assert crowd.stops("begun")

"""What a reader told of itself when it was started, or tested by hand: who it is, and whether its self-test passed.

A reader is examined by the driver's `Start`: on every opening of its port, and again whenever it is asked for
(`Reader.examine`). Both end in one `Examination`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.drivers.events import CardInside, Clean, Event, Identified, Identity, SelfTested
from tpayd.kit.clock import Clock

__all__ = ["Examination", "Examiner", "OnExamined"]


class Examination(Struct, frozen=True):
    """The result."""

    at_ms: int
    """Milliseconds since 1970-01-01 UTC."""
    passed: bool
    identity: Identity | None = None
    """None where the reader did not get that far."""
    code: str = ""
    """The reader's own fault code; empty where it gave none."""
    problem: str = ""
    """What is wrong and what to do, for a person; empty where it passed."""


OnExamined: TypeAlias = Callable[[Examination], None]


class Examiner:
    """Follows one reader's examinations, and tells whoever waits for the next result, then `always`."""

    def __init__(self, clock: Clock, always: OnExamined) -> None:
        self.last: Examination | None = None
        self.under_way = False
        self._clock = clock
        self._always = always
        self._waiting: list[OnExamined] = []
        self._identity: Identity | None = None
        self._code = ""

    def begin(self) -> None:
        """The driver has been told to start."""
        self.under_way, self._identity, self._code = True, None, ""

    def wait(self, on_examined: OnExamined) -> None:
        """Tell the result of the examination under way, or of the next one."""
        self._waiting.append(on_examined)

    def told(self, event: Event) -> None:
        """Something came from the reader under examination."""
        match event:
            case Identified():
                self._identity = event.identity
            case SelfTested():
                self._code = event.fault
            case Clean() | CardInside():
                self._end("")
            case _:
                pass

    def lost(self, why: str) -> None:
        """The reader is gone, or could not be reached."""
        if self.under_way or self._waiting:
            self._end(why)

    def _end(self, problem: str) -> None:
        self.under_way = False
        self.last = last = Examination(self._clock.unix_ms(), not problem, self._identity, self._code, problem)
        waiting, self._waiting = self._waiting, []
        for on_examined in (self._always, *waiting):
            on_examined(last)

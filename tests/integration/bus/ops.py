"""Operations for tests of the bus, and a door that lets their callers in."""

from __future__ import annotations

from msgspec import Struct

from tpayd.kit.bus import Admitted, Peer
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.operation import Empty, Op

__all__ = [
    "COUNT",
    "ECHO",
    "FINISH",
    "HANG",
    "HOLD",
    "LATE",
    "MARK",
    "TALK",
    "Count",
    "OpenDoor",
    "Step",
    "Text",
    "Turns",
]


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    text: str


class Count(Struct, frozen=True):
    count: int


class Turns(Struct, frozen=True, forbid_unknown_fields=True):
    steps: int


class Step(Struct, frozen=True):
    step: int


ECHO = Op("test.echo", Text, Text)
MARK = Op("test.mark", Empty, Count)
"""Has an effect: the count goes up."""
COUNT = Op("test.count", Empty, Count)
"""How often MARK took effect."""
HOLD = Op("test.hold", Empty, Empty)
"""Is not answered until it is cancelled."""
TALK = Op("test.talk", Turns, Count, progress=Step)
"""Answered after `steps` times PROGRESS."""
LATE = Op("test.late", Empty, Count)
FINISH = Op("test.finish", Empty, Empty)
"""Served by tests that need a handler of their own."""
HANG = Op("test.hang", Turns, Empty)
"""The process's loop stands still for `steps` milliseconds before it answers."""

EVERY_OP = frozenset(op.name for op in (ECHO, MARK, COUNT, HOLD, TALK, HANG, LATE, FINISH))


class OpenDoor:
    """Admits everyone to every test operation, under the name they give."""

    def admit(self, peer: Peer, hello: Hello) -> Admitted:
        return Admitted(hello.client, EVERY_OP)

    def welcome(self, welcome: Welcome) -> Welcome:
        return welcome

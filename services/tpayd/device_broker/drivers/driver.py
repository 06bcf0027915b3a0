"""What a reader driver is: a protocol without I/O.

Bytes and commands go in; bytes for the line and events come out, with the time told by the caller in microseconds of
one monotonic clock. A driver keeps one command under way. `Recover` and `Cancel` interrupt it; another command waits
for the one before it, and a second waiting one is refused. After a step that did not end well (`Failed`, `CardRefused`,
`CardTimedOut`, `CardTaken`) the driver recovers by itself, which ends with `Clean` or `Down`.

A driver owes its caller two promises, on which the money of the next customer depends:

* `clean` is true only if nothing of the last customer is left: no card inside, no answer outstanding, no byte of a
  half-read frame, and the last card transaction ended by its own answer or by an init that the reader acknowledged.
* What ends a command comes from the customer that was asked, never from an earlier one: a card, its last word, a
  signature, a PIN, a number, a code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from tpayd.device_broker.drivers.commands import Command
from tpayd.device_broker.drivers.events import Event

__all__ = [
    "CommandInvalidError",
    "Driver",
    "DriverBusyError",
    "DriverKind",
    "LineSettings",
    "Turn",
]


class Turn(NamedTuple):
    """What one step gave: bytes for the line, and what to know."""

    out: bytes
    events: Sequence[Event]


class DriverBusyError(Exception):
    """A command is under way and another waits already."""


class CommandInvalidError(Exception):
    """A command that this reader cannot be told; nothing was sent. `field` is the command's."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


class Driver(Protocol):
    """One reader on one opened line; a new one is made for each opening."""

    @property
    def clean(self) -> bool:
        """See the module."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a command is under way."""
        ...

    @property
    def card_inside(self) -> bool | None:
        """Whether a card is in the slot, by the reader's last word; None before its first."""
        ...

    @property
    def deadline_us(self) -> int | None:
        """When `tick` must be called at the latest, if nothing else happens before."""
        ...

    def ask(self, command: Command, now_us: int) -> Turn:
        """Begin a command. Raises DriverBusyError and CommandInvalidError."""
        ...

    def received(self, data: bytes, now_us: int) -> Turn:
        """Bytes came off the line."""
        ...

    def tick(self, now_us: int) -> Turn:
        """Time has passed; harmless at any moment."""
        ...


class LineSettings(Struct, frozen=True):
    """The serial line that a kind of reader expects; a device's own settings may say otherwise."""

    baud: int = 38_400
    parity: str = "N"
    stop_bits: int = 1
    other_bauds: tuple[int, ...] = ()
    """Speeds that readers of this kind are set to as well: a search tries them after `baud`."""


class DriverKind(Protocol):
    """What an entry point of the group `tpayd.readers` names."""

    name: str
    line: LineSettings

    def create(self) -> Driver:
        """A driver for a line just opened."""
        ...

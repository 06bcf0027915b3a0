"""What a reader driver is: a protocol without I/O.

Bytes and commands go in; bytes for the line and events come out, with the time told by the caller in microseconds of
one monotonic clock. A driver keeps one command under way. `Recover` interrupts any; another command waits for the one
before it, and a second waiting one is refused. After a step with a card or a key that did not end well (`Failed`,
`CardRefused`, `CardTimedOut`) the driver recovers by itself, which ends with `Clean` or `Down`.

A driver owes its caller two promises, on which the money of the next customer depends:

* `clean` is true only if nothing of the last customer is left: no card inside, no answer outstanding, no byte of a
  half-read frame, and the last card transaction ended by its own answer or by an init that the reader acknowledged.
* `CardRead` and `CardFinished` come from the transaction that was asked for, never from an earlier one.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from tpayd_contracts.device import TransactionType
from tpayd_contracts.payment import EntryMode

__all__ = [
    "Answered", "CardFinished", "CardInside", "CardPulled", "CardRead", "CardRefused", "CardSeen", "CardTimedOut",
    "Check", "Clean", "Command", "CommandInvalidError", "Down", "Driver", "DriverBusyError", "DriverKind", "Event",
    "Failed", "Failure", "FinishCard", "Identified", "Identity", "InjectKey", "KeyInjected", "KeyPrepared",
    "LineSettings", "PrepareKey", "Pulled", "ReadCard", "Recover", "SlotChanged", "Start", "Trouble", "TroubleKind",
    "Turn",
]


# Commands


@dataclass(frozen=True, slots=True)
class Start:
    """Bring a reader up on a line just opened: init, identification, self-test, no card inside.

    Ends with `Clean`, or `Down`. `at` is the local time, YYYYMMDDhhmmss, as in all commands.
    """

    at: str


@dataclass(frozen=True, slots=True)
class Recover:
    """Forget whatever is under way and come back to a known state. Ends with `Clean`, or `Down`."""


@dataclass(frozen=True, slots=True)
class Check:
    """Make sure that an idle reader is there and clean, by the shortest safe way. Ends as `Recover` does.

    A card inside is left to the command that waits behind this one, if there is one.
    """


@dataclass(frozen=True, slots=True)
class ReadCard:
    """Let the customer present a card, and read it. Ends with `CardRead`, `CardRefused`, `CardTimedOut` or `Failed`."""

    type: TransactionType
    amount_minor: int
    at: str
    nonce: str
    """32 hexadecimal digits, never used before: the answer must repeat them."""
    wait_us: int
    """How long the customer may take, each time that he is asked."""


@dataclass(frozen=True, slots=True)
class FinishCard:
    """Give the card the host's word (second GENERATE AC). Ends with `CardFinished` or `Failed`."""

    approved: bool
    arc: str
    issuer_data: bytes
    """Value of tag 91, at most 16 bytes (EMV Book 3, annex A)."""
    scripts: bytes
    """Tags 71 and 72, as BER-TLV."""
    at: str


@dataclass(frozen=True, slots=True)
class PrepareKey:
    """Have the reader begin a key exchange. Ends with `KeyPrepared` or `Failed`."""


@dataclass(frozen=True, slots=True)
class InjectKey:
    """Give the reader the host's answer. Ends with `KeyInjected` or `Failed`."""

    at: str
    blob: bytes = field(repr=False)


Command: TypeAlias = Start | Recover | Check | ReadCard | FinishCard | PrepareKey | InjectKey


# Events


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the reader says it is."""

    reader_id: str
    """What its key is bound to, 32 characters."""
    serial_number: str
    firmware: str
    model: str
    key_loaded: bool


@dataclass(frozen=True, slots=True)
class Identified:
    identity: Identity


@dataclass(frozen=True, slots=True)
class Clean:
    """The reader may serve a new customer."""


@dataclass(frozen=True, slots=True)
class CardInside:
    """A card is in the slot, and nobody was asked for one; `Clean` follows once it is gone."""


@dataclass(frozen=True, slots=True)
class SlotChanged:
    """An idle reader had a card put in, or taken out."""

    occupied: bool


@dataclass(frozen=True, slots=True)
class CardSeen:
    """The customer has done his part."""


@dataclass(frozen=True, slots=True)
class CardPulled:
    """The chip failed and the stripe is allowed: the customer has to take the card out."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """The card is out; now it has to be swiped. The customer's time begins anew."""


@dataclass(frozen=True, slots=True)
class CardRead:
    """A card as the reader gives it out: masked for people, encrypted for the host."""

    entry_mode: EntryMode
    masked_pan: str
    ksn: bytes = field(repr=False)
    cipher: bytes = field(repr=False)
    emv: bytes = field(repr=False)
    label: str | None
    fallback_code: str | None


@dataclass(frozen=True, slots=True)
class CardRefused:
    """The reader ended the reading with a code (docs/reader-protocol.md lists them)."""

    code: str


@dataclass(frozen=True, slots=True)
class CardTimedOut:
    """No card came in time."""


@dataclass(frozen=True, slots=True)
class CardFinished:
    """The card's last word. Not accepted: the payment must be reversed."""

    accepted: bool
    message: str
    cryptogram: str | None


@dataclass(frozen=True, slots=True)
class KeyPrepared:
    reader_id: str
    blob: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyInjected:
    confirmed: bool
    check_value: str | None


class Failure(enum.StrEnum):
    """Why a command ended without its result."""

    NO_ANSWER = "no_answer"
    """The answer did not come."""
    REFUSED = "refused"
    """The reader did not take the command, however often it was sent."""
    BAD_ANSWER = "bad_answer"
    """The answer came whole and does not fit its layout."""
    NOISE = "noise"
    """Bytes are lost on the line, again and again."""
    SELF_TEST = "self_test"
    """The reader reports itself broken."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A step with a card or a key ended without its result. What the reader did of it is not known."""

    why: Failure
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Down:
    """The reader cannot be brought to a known state: the line should be closed, and opened again later."""

    why: Failure
    detail: str = ""


class TroubleKind(enum.StrEnum):
    """What went wrong on the line without ending anything; counted."""

    CORRUPT = "corrupt"
    """Bytes that are no frame."""
    LATE = "late"
    """A whole frame that nobody waits for."""
    RESENT = "resent"
    """A command that was sent again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    kind: TroubleKind


Answered: TypeAlias = CardRead | CardRefused | CardTimedOut | CardFinished | KeyPrepared | KeyInjected | Failed
"""What ends a command other than Start, Recover and Check."""
Event: TypeAlias = (
    Answered | Identified | Clean | Down | CardInside | SlotChanged | CardSeen | CardPulled | Pulled | Trouble
)


# The driver


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


@dataclass(frozen=True, slots=True)
class LineSettings:
    """The serial line that a kind of reader expects; a device's own settings may say otherwise."""

    baud: int = 38_400
    parity: str = "N"
    stop_bits: int = 1


class DriverKind(Protocol):
    """What an entry point of the group `tpayd.readers` names."""

    name: str
    line: LineSettings

    def create(self) -> Driver:
        """A driver for a line just opened."""
        ...

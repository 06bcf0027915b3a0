"""What a reader has to say, whatever it speaks. Card data stays out of every repr."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TypeAlias

from tpayd_contracts.payment import EntryMode

__all__ = [
    "Answered",
    "CardFinished",
    "CardInside",
    "CardPulled",
    "CardRead",
    "CardRefused",
    "CardSeen",
    "CardTimedOut",
    "Clean",
    "Down",
    "Event",
    "Failed",
    "Failure",
    "Identified",
    "Identity",
    "KeyInjected",
    "KeyPrepared",
    "Pulled",
    "SlotChanged",
    "Trouble",
    "TroubleKind",
]


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

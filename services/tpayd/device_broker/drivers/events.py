"""What a reader has to say, whatever it speaks. Card data stays out of every repr."""

from __future__ import annotations

import enum
from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.drivers.discreet import Discreet
from tpayd_contracts.device import Ability
from tpayd_contracts.payment import EntryMode

__all__ = [
    "Answered",
    "Cancelled",
    "CardFinished",
    "CardInside",
    "CardInstead",
    "CardPulled",
    "CardRead",
    "CardRefused",
    "CardSeen",
    "CardTaken",
    "CardTimedOut",
    "ChoiceAsked",
    "Clean",
    "CodeRead",
    "Down",
    "EntryRefused",
    "EntryTimedOut",
    "Event",
    "Failed",
    "Failure",
    "Identified",
    "Identity",
    "KeyInjected",
    "KeyPrepared",
    "MessageShown",
    "NumberEntered",
    "PadShown",
    "PinAsked",
    "PinEntered",
    "Pulled",
    "SelfTested",
    "SignatureGiven",
    "SlotChanged",
    "Strokes",
    "Trouble",
    "TroubleKind",
]


class Identity(Struct, frozen=True):
    """Who the reader says it is."""

    reader_id: str
    """What its key is bound to, 32 characters."""
    serial_number: str
    firmware: str
    model: str
    key_loaded: bool
    abilities: tuple[Ability, ...] | None = None
    """What it says it can do; None where its protocol has no word for that."""
    key_check_value: str | None = None
    """Of the key that it holds, ten hexadecimal digits; None where it holds none, or does not tell."""
    mode: str = ""
    """The communication mode that its firmware is made for; empty where it does not tell, or there is but one."""
    boot_loader: bool = False
    """All that is left of its firmware is the boot loader: it can be updated, and nothing else."""


class Identified(Struct, frozen=True):
    identity: Identity


class SelfTested(Struct, frozen=True):
    """What the reader's self-test gave, by its own word. A broken one goes `Down` behind it."""

    fault: str = ""
    """The reader's fault code; empty: all is well."""


class Clean(Struct, frozen=True):
    """The reader may serve a new customer."""


class CardInside(Struct, frozen=True):
    """A card is in the slot, and nobody was asked for one; `Clean` follows once it is gone."""


class SlotChanged(Struct, frozen=True):
    """An idle reader had a card put in, or taken out."""

    occupied: bool


class CardSeen(Struct, frozen=True):
    """The customer has done his part."""


class CardPulled(Struct, frozen=True):
    """The chip failed and the stripe is allowed: the customer has to take the card out."""


class Pulled(Struct, frozen=True):
    """The card is out; now it has to be swiped. The customer's time begins anew."""


class PinAsked(Struct, frozen=True):
    """The reader waits for the card's PIN. The customer's time begins anew; `CardSeen` follows when he is done."""


class ChoiceAsked(Struct, frozen=True):
    """The reader waits for the customer to choose an application or an account; as `PinAsked`."""


class CardRead(Discreet, frozen=True):
    """A card as the reader gives it out: masked for people, encrypted for the host."""

    entry_mode: EntryMode
    masked_pan: str
    ksn: bytes
    cipher: bytes
    emv: bytes
    label: str | None
    fallback_code: str | None
    pin_ksn: bytes = b""
    pin_block: bytes = b""
    membership_number: str | None = None


class CardRefused(Struct, frozen=True):
    """The reader ended the reading with a code (docs/reader-protocol.md lists them)."""

    code: str


class CardTimedOut(Struct, frozen=True):
    """No card came in time."""


class CardFinished(Struct, frozen=True):
    """The card's last word. Not accepted: the payment must be reversed."""

    accepted: bool
    message: str
    cryptogram: str | None


class PadShown(Struct, frozen=True):
    """The pad shows what the customer is to do: his time begins."""


Strokes: TypeAlias = tuple[tuple[tuple[int, int], ...], ...]
"""Lines of points (x, y) that a pen drew: 0, 0 is the upper left corner, 127, 63 the lower right one."""


class SignatureGiven(Discreet, frozen=True):
    strokes: Strokes


class NumberEntered(Discreet, frozen=True):
    number: str


class PinEntered(Discreet, frozen=True):
    ksn: bytes
    block: bytes


class CodeRead(Discreet, frozen=True):
    code: str


class CardInstead(Struct, frozen=True):
    """A card was put in while a code was waited for."""


class MessageShown(Struct, frozen=True):
    """The text is on the pad."""


class EntryRefused(Struct, frozen=True):
    """The customer said no, or the reader would not; with the reader's code (docs/reader-protocol.md lists them)."""

    code: str


class EntryTimedOut(Struct, frozen=True):
    """The customer did nothing in time."""


class CardTaken(Struct, frozen=True):
    """The chip card that waits for the host's word is no longer in the slot: it can take none."""


class Cancelled(Struct, frozen=True):
    """A `Cancel` is done."""


class KeyPrepared(Discreet, frozen=True):
    reader_id: str
    blob: bytes


class KeyInjected(Struct, frozen=True):
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
    BOOT_LOADER = "boot_loader"
    """The reader has no firmware but its boot loader."""


class Failed(Struct, frozen=True):
    """A step with a card or a key ended without its result. What the reader did of it is not known."""

    why: Failure
    detail: str = ""


class Down(Struct, frozen=True):
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


class Trouble(Struct, frozen=True):
    kind: TroubleKind


Answered: TypeAlias = (
    CardRead
    | CardRefused
    | CardTimedOut
    | CardFinished
    | CardTaken
    | SignatureGiven
    | NumberEntered
    | PinEntered
    | CodeRead
    | CardInstead
    | MessageShown
    | EntryRefused
    | EntryTimedOut
    | KeyPrepared
    | KeyInjected
    | Failed
)
"""What ends a `commands.StepCommand`."""
Event: TypeAlias = (
    Answered
    | Identified
    | SelfTested
    | Clean
    | Down
    | Cancelled
    | CardInside
    | SlotChanged
    | CardSeen
    | CardPulled
    | Pulled
    | PinAsked
    | ChoiceAsked
    | PadShown
    | Trouble
)

"""Operations of the device broker with what stands beside the card slot: signature pad, keys, scanner, display.

All are steps under a lease and of a device that has the ability: Ability.SIGN, Ability.PIN, Ability.QR. One that has
not answers `reader_unavailable`, not started. A customer who says no ends the step with `card_failed` and detail "91",
one who does nothing with `card_timeout`; the card that was read before stays usable after both. Cancelled, all of them
end at once.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.device import CardProgress, Lease, LeaseProgress, LeaseRef, PadText, WaitS
from tpayd_contracts.money import Minor
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.screen import Strokes
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import Count, Lane

__all__ = [
    "CODE_READ",
    "DRAW",
    "MESSAGE_SHOW",
    "NUMBER_ENTER",
    "PAD_ACQUIRE",
    "PIN_ENTER",
    "SIGN",
    "CODE_MAX_CHARS",
    "AcquirePad",
    "DrawSignature",
    "EnterNumber",
    "EnterPin",
    "EnteredNumber",
    "EnteredPin",
    "PadPlace",
    "PadStep",
    "ReadCode",
    "ReadCodeResult",
    "ShowMessage",
    "Sign",
    "Signed",
    "Where",
]

CODE_MAX_CHARS = 512
"""An EMV QR code that a customer presents is the longest: base64 of at most 384 bytes."""


class Sign(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the customer sign on the pad (Ability.SIGN)."""

    lease: LeaseRef
    amount_minor: Minor
    """Shown above the text."""
    lines: PadText = ()
    wait_s: WaitS = 20.0


class Signed(HidesSecrets, frozen=True, omit_defaults=True):
    """A signature. Personal, though no card data: never in a log."""

    image: Annotated[bytes, Meta(extra=SECRET)]
    """BMP, 1 bit per pixel, 128 x 64: 1,086 bytes."""
    points: Count
    """How many points the pen was seen at; a scribble of one or two is hardly a signature."""
    reader_us: Count = 0
    customer_us: Count = 0


class ReadCode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the customer show a QR or barcode (Ability.QR)."""

    lease: LeaseRef
    wait_s: WaitS = 30.0
    or_card: bool = False
    """A card put in instead ends the wait as well (T28); it is read by `card.read` then."""


class ReadCodeResult(HidesSecrets, frozen=True, omit_defaults=True):
    """What the scanner read. A wallet's code is as good as its card: never stored, never logged."""

    code: Annotated[str, Meta(max_length=CODE_MAX_CHARS, extra=SECRET)] = ""
    card: bool = False
    """The customer put in a card instead; `code` is empty."""
    reader_us: Count = 0
    customer_us: Count = 0


class EnterNumber(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the customer key a number in clear, such as a phone number for a cash receipt (Ability.PIN). Never a PIN."""

    lease: LeaseRef
    prompt: PadText
    min_digits: Annotated[int, Meta(ge=1, le=20)]
    max_digits: Annotated[int, Meta(ge=1, le=20)]
    wait_s: WaitS = 30.0

    def __post_init__(self) -> None:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is above max_digits")


class EnteredNumber(HidesSecrets, frozen=True, omit_defaults=True):
    """What was keyed: personal data, never stored in clear, never logged."""

    number: Annotated[str, Meta(extra=SECRET)]
    reader_us: Count = 0
    customer_us: Count = 0


class EnterPin(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have the customer key the PIN of the card that was read under this lease (Ability.PIN).

    For a card whose PIN was not asked for while it was read, or was wrong.
    """

    lease: LeaseRef
    prompt: PadText = ()
    min_digits: Annotated[int, Meta(ge=4, le=12)] = 4
    max_digits: Annotated[int, Meta(ge=4, le=12)] = 6
    wait_s: WaitS = 30.0

    def __post_init__(self) -> None:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is above max_digits")


class EnteredPin(HidesSecrets, frozen=True, omit_defaults=True):
    """The PIN as it leaves the reader: encrypted. Never stored, not even so (PCI DSS 3.3.1.3)."""

    pin_ksn: Annotated[bytes, Meta(extra=SECRET)]
    """AES-DUKPT key serial number, 12 bytes."""
    pin_block: Annotated[bytes, Meta(extra=SECRET)]
    """ISO 9564-1 format 4, 16 bytes, under the PIN key of that KSN."""
    reader_us: Count = 0
    customer_us: Count = 0


class ShowMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """Show a text on the reader's pad (Ability.SIGN or Ability.PIN); the next step replaces it."""

    lease: LeaseRef
    lines: PadText


class PadStep(enum.StrEnum):
    """What is to be done beside the card slot."""

    SIGN = "sign"
    NUMBER = "number"


class Where(enum.StrEnum):
    """Where a lane's customer does it."""

    HERE = "here"
    """At the reader that the caller holds."""
    PAD = "pad"
    """At another device, which the caller holds now as well."""
    SCREEN = "screen"
    """On the lane's screen, as its profile says."""
    NOWHERE = "nowhere"
    """No device that the lane may use is able to; whether its screen is, the caller knows."""


class AcquirePad(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask where a lane's customer signs or keys a number, and wait for a turn at that pad.

    Only who holds a reader, or nothing, asks; who holds a pad asks for nothing more. So a pad comes free by itself.
    """

    lane: Lane
    payment_id: str
    step: PadStep
    beside: LeaseRef | None = None
    """The reader that the caller holds."""


class PadPlace(Struct, frozen=True, omit_defaults=True):
    where: Where
    lease: Lease | None = None
    """With `pad`."""


class DrawSignature(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Make a picture of what was signed on a screen, and keep it where the lane's last signature is kept.

    Without strokes the lane's last signature is removed: its next customer is to sign.
    """

    lane: Lane
    strokes: Annotated[Strokes, Meta(extra=SECRET)] = ()
    width: Count = 128
    height: Count = 64


SIGN = Op("device.sign", Sign, Signed, CardProgress)
CODE_READ = Op("code.read", ReadCode, ReadCodeResult, CardProgress)
NUMBER_ENTER = Op("number.enter", EnterNumber, EnteredNumber, CardProgress)
PIN_ENTER = Op("pin.enter", EnterPin, EnteredPin, CardProgress)
PAD_ACQUIRE = Op("pad.acquire", AcquirePad, PadPlace, LeaseProgress)
DRAW = Op("signature.draw", DrawSignature, Signed)
MESSAGE_SHOW = Op("device.message", ShowMessage, Empty)

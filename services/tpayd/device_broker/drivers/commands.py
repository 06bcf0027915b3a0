"""What a reader can be asked for, whatever it speaks."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.drivers.discreet import Discreet
from tpayd_contracts.device import TransactionType

__all__ = [
    "Cancel",
    "Check",
    "Command",
    "EnterNumber",
    "EnterPin",
    "FinishCard",
    "InjectKey",
    "PadCommand",
    "PrepareKey",
    "ReadCard",
    "ReadCode",
    "Recover",
    "ShowMessage",
    "Sign",
    "Start",
    "StepCommand",
]


class Start(Struct, frozen=True):
    """Bring a reader up: init, identification (`Identified`), self-test (`SelfTested`), no card inside.

    The first command on a line just opened; later ones test the reader again. Ends with `Clean`, or `Down`.
    `at` is the local time, YYYYMMDDhhmmss, as in all commands.
    """

    at: str


class Recover(Struct, frozen=True):
    """Forget whatever is under way and come back to a known state. Ends with `Clean`, or `Down`."""


class Check(Struct, frozen=True):
    """Make sure that an idle reader is there and clean, by the shortest safe way. Ends as `Recover` does.

    A card inside is left to the command that waits behind this one, if there is one.
    """


class Cancel(Struct, frozen=True):
    """End a `PadCommand` under way, if there is one, and nothing else: a card that was read stays usable.

    Ends with `Cancelled`; with `Clean` or `Down` where the reader had to be reset for it.
    """


class ReadCard(Struct, frozen=True, gc=False):
    """Let the customer present a card, and read it.

    Ends with `CardRead`, `CardRefused`, `CardTimedOut`, `EntryTimedOut` or `Failed`.
    """

    type: TransactionType
    amount_minor: int
    at: str
    nonce: str
    """32 hexadecimal digits, never used before: the answer must repeat them."""
    wait_us: int
    """How long the customer may take, each time that he is asked."""
    nonce_again: str = ""
    """A second one, for a reader that has to be asked anew when the chip has failed. Empty: it is not asked."""
    pin: bool = False
    """Whether there is a PIN pad."""
    choose: bool = False
    """Whether the customer chooses among several applications or accounts; otherwise the first is taken."""


class FinishCard(Struct, frozen=True):
    """Give the card the host's word (second GENERATE AC). Ends with `CardFinished` or `Failed`."""

    approved: bool
    arc: str
    issuer_data: bytes
    """Value of tag 91, at most 16 bytes (EMV Book 3, annex A)."""
    scripts: bytes
    """Tags 71 and 72, as BER-TLV."""
    at: str


class Sign(Struct, frozen=True):
    """Have the customer sign. Ends with `SignatureGiven`, or as every `PadCommand`."""

    amount_minor: int
    lines: tuple[str, ...]
    nonce: str
    wait_us: int


class EnterNumber(Struct, frozen=True):
    """Have the customer key a number. Ends with `NumberEntered`, or as every `PadCommand`."""

    prompt: tuple[str, ...]
    min_digits: int
    max_digits: int
    nonce: str
    wait_us: int


class EnterPin(Struct, frozen=True):
    """Have the customer key the PIN of the card read last. Ends with `PinEntered`, or as every `PadCommand`."""

    prompt: tuple[str, ...]
    min_digits: int
    max_digits: int
    nonce: str
    wait_us: int


class ReadCode(Struct, frozen=True):
    """Have the customer show a QR or barcode. Ends with `CodeRead` or `CardInstead`, or as every `PadCommand`."""

    or_card: bool
    """Whether a card put into the slot ends the wait."""
    nonce: str
    wait_us: int


class ShowMessage(Struct, frozen=True):
    """Show a text. Ends with `MessageShown`, or as every `PadCommand`."""

    lines: tuple[str, ...]


class PrepareKey(Struct, frozen=True):
    """Have the reader begin a key exchange. Ends with `KeyPrepared` or `Failed`."""


class InjectKey(Discreet, frozen=True):
    """Give the reader the host's answer. Ends with `KeyInjected` or `Failed`."""

    at: str
    blob: bytes


PadCommand: TypeAlias = Sign | EnterNumber | EnterPin | ReadCode | ShowMessage
"""What is done beside the card slot. All end with `EntryRefused`, `EntryTimedOut` or `Failed` where not with their own
result, and with `CardTaken` where the chip card that waits for the host's word has been pulled out. After a refusal or
a time-out a card that was read stays usable."""
StepCommand: TypeAlias = ReadCard | FinishCard | PrepareKey | InjectKey | PadCommand
"""What ends with an answer."""
Command: TypeAlias = Start | Recover | Check | Cancel | StepCommand

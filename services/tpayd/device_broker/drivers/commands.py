"""What a reader can be asked for, whatever it speaks."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.drivers.discreet import Discreet
from tpayd_contracts.device import TransactionType

__all__ = [
    "Check",
    "Command",
    "FinishCard",
    "InjectKey",
    "PrepareKey",
    "ReadCard",
    "Recover",
    "Start",
]


class Start(Struct, frozen=True):
    """Bring a reader up on a line just opened: init, identification, self-test, no card inside.

    Ends with `Clean`, or `Down`. `at` is the local time, YYYYMMDDhhmmss, as in all commands.
    """

    at: str


class Recover(Struct, frozen=True):
    """Forget whatever is under way and come back to a known state. Ends with `Clean`, or `Down`."""


class Check(Struct, frozen=True):
    """Make sure that an idle reader is there and clean, by the shortest safe way. Ends as `Recover` does.

    A card inside is left to the command that waits behind this one, if there is one.
    """


class ReadCard(Struct, frozen=True):
    """Let the customer present a card, and read it. Ends with `CardRead`, `CardRefused`, `CardTimedOut` or `Failed`."""

    type: TransactionType
    amount_minor: int
    at: str
    nonce: str
    """32 hexadecimal digits, never used before: the answer must repeat them."""
    wait_us: int
    """How long the customer may take, each time that he is asked."""


class FinishCard(Struct, frozen=True):
    """Give the card the host's word (second GENERATE AC). Ends with `CardFinished` or `Failed`."""

    approved: bool
    arc: str
    issuer_data: bytes
    """Value of tag 91, at most 16 bytes (EMV Book 3, annex A)."""
    scripts: bytes
    """Tags 71 and 72, as BER-TLV."""
    at: str


class PrepareKey(Struct, frozen=True):
    """Have the reader begin a key exchange. Ends with `KeyPrepared` or `Failed`."""


class InjectKey(Discreet, frozen=True):
    """Give the reader the host's answer. Ends with `KeyInjected` or `Failed`."""

    at: str
    blob: bytes


Command: TypeAlias = Start | Recover | Check | ReadCard | FinishCard | PrepareKey | InjectKey

"""What a reader can be asked for, whatever it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

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

"""Host adapters: typed messages of the store on one side, a card host's bytes on the other. A library, no process."""

from __future__ import annotations

from tpayd.hosts.adapter import GROUP, HostAdapter, installed, load
from tpayd.hosts.answers import (
    APPROVED,
    ORIGINAL_NOT_FOUND,
    EmvAnswer,
    MatchKey,
    Opened,
    TypeClass,
    Unsealed,
)
from tpayd.hosts.errors import FrameTooLongError, HostError, HostFormatError, UnknownAdapterError
from tpayd.hosts.messages import (
    Echo,
    Financial,
    MacedMessage,
    NetworkMessage,
    Original,
    ReaderKeyExchange,
    Reversal,
    ReversalReason,
    SignOff,
    SignOn,
    TerminalKeyExchange,
)

__all__ = [
    "APPROVED",
    "GROUP",
    "ORIGINAL_NOT_FOUND",
    "Echo",
    "EmvAnswer",
    "Financial",
    "FrameTooLongError",
    "HostAdapter",
    "HostError",
    "HostFormatError",
    "MacedMessage",
    "MatchKey",
    "NetworkMessage",
    "Opened",
    "Original",
    "ReaderKeyExchange",
    "Reversal",
    "ReversalReason",
    "SignOff",
    "SignOn",
    "TerminalKeyExchange",
    "TypeClass",
    "UnknownAdapterError",
    "Unsealed",
    "installed",
    "load",
]

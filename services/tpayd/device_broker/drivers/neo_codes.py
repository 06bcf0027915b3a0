"""The words of the NEO protocol: commands, status codes, tags, and what they mean here (docs/neo-protocol.md)."""

from __future__ import annotations

import enum

__all__ = ["OFFERS", "REFUSALS", "STRIPE_ALLOWED", "SWITCHES", "TOLD", "UNUSABLE", "Cmd", "Interface", "Status", "Tag"]


class Cmd(enum.IntEnum):
    """Command and sub-command. An answer repeats the command alone."""

    POLL_MODE = 0x0101
    NOTIFY = 0x0107
    """Which switches the reader tells of by itself."""
    ACTIVATE = 0x0240
    CANCEL = 0x0501
    SERIAL_NUMBER = 0x1201
    PING = 0x1801
    VERSION = 0x2900
    POWER_OFF = 0x2C18
    APPLY_HOST = 0x6012
    KEY_STATE = 0x810B
    # tpayd's own, where ID TECH publishes nothing. Each has a command byte to itself: answers repeat nothing else.
    SLOT_STATE = 0xE001
    PREPARE_KEY = 0xE101
    INJECT_KEY = 0xE201
    KEY_CHECK = 0xE301

    @property
    def answer(self) -> int:
        """The command byte of its answer."""
        return self >> 8


SWITCHES = 0xF2
"""What a reader tells by itself: its switches have changed."""
WOKE = 0xF1
TOLD = frozenset({WOKE, SWITCHES})


class Status(enum.IntEnum):
    """What an answer says of its command."""

    OK = 0x00
    UNKNOWN_COMMAND = 0x02
    UNKNOWN_SUB_COMMAND = 0x03
    CRC_ERROR = 0x04
    TIMED_OUT = 0x08
    FAILED = 0x0A
    NOT_ALLOWED = 0x0B
    SUB_NOT_ALLOWED = 0x0C
    EVENT = 0x0E
    """Not an answer: something has happened on the way to it."""
    TAMPERED = 0x1D
    ONLINE = 0x23
    """The card was read, and the host has to be asked."""
    BEGUN = 0x63
    """Not an answer: the command was understood, and takes its time."""


class Interface(enum.IntFlag):
    """Which ways a card may be presented (tag DFEF37)."""

    STRIPE = 0x01
    CONTACTLESS = 0x02
    CONTACT = 0x04


class Tag(enum.IntEnum):
    """Tags of EMV (Book 3, annex A) and of ID TECH that the driver looks at."""

    LABEL = 0x50
    TRACK_2 = 0x57
    """Here, encrypted."""
    PAN = 0x5A
    CURRENCY = 0x5F2A
    ARC = 0x8A
    ISSUER_DATA = 0x91
    TYPE = 0x9C
    AMOUNT = 0x9F02
    CRYPTOGRAM = 0x9F26
    ENTRY_MODE = 0x9F39
    SEQUENCE = 0x9F41
    """The transaction's number: set by the terminal, repeated in every answer."""
    KSN = 0xDFEE12
    OUTPUT_TAGS = 0xDFEE1A
    RESULT = 0xDFEE25
    CAPTURE = 0xDFEE26
    AUTO_AUTHENTICATE = 0xDFEF1F
    INTERFACES = 0xDFEF37
    FALLBACK = 0xDFEF3C
    MASKED_PAN = 0xDFEF5B
    ERROR = 0xFFEE1F


STRIPE_ALLOWED = frozenset(f"{code:02d}" for code in range(1, 9))
"""Result codes of docs/reader-protocol.md that allow the stripe."""
UNUSABLE = "10"
REFUSALS = {
    0x20: "06",  # the card answered a command with an error
    0x24: "08",  # communication with the card broke off
    0x27: "02",  # a card with no application that the reader knows
    0x30: "01",  # the card does not answer
}
"""Error codes of a failed transaction (FFEE1F) as result codes of docs/reader-protocol.md; others: unusable card."""
OFFERS = Interface.STRIPE | Interface.CONTACTLESS | Interface.CONTACT

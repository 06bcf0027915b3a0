"""Operations of the key manager. No operation returns a key."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import Count, Name, TerminalId, UnixMs

__all__ = [
    "DATA_ENCRYPT",
    "KEY_EXCHANGE_READER",
    "KEY_EXCHANGE_TERMINAL",
    "KEY_LIST",
    "MAC_GENERATE",
    "MAC_VERIFY",
    "TIME_SIGNED",
    "TOPIC_KEY",
    "EncryptData",
    "EncryptedData",
    "ExchangeProgress",
    "ExchangeReader",
    "ExchangeTerminal",
    "GenerateMac",
    "GeneratedMac",
    "KeyEvent",
    "KeyHappening",
    "KeyInfo",
    "KeyList",
    "KeyState",
    "KeyTime",
    "KeyUsage",
    "Purpose",
    "SignedTime",
    "VerifiedMac",
    "VerifyMac",
]


TOPIC_KEY = "key.event"


class KeyUsage(enum.StrEnum):
    TERMINAL_MAC = "terminal_mac"
    """Seals a terminal's messages; encrypts what no reader has encrypted, under working keys of its own."""
    READER_DATA = "reader_data"


class KeyState(enum.StrEnum):
    """Two phases: a staged key is used by nobody until the reader (or the host) has confirmed it."""

    STAGED = "staged"
    CONFIRMED = "confirmed"
    ACTIVE = "active"
    EXPIRED = "expired"
    RETIRED = "retired"
    """Replaced; still checks and makes MACs of payments that began under it."""


class Purpose(enum.StrEnum):
    """New payments need valid keys; what settles an old one is never refused for age."""

    NEW_PAYMENT = "new_payment"
    SETTLE = "settle"


class GenerateMac(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """MAC one message to the host: over head, the KSN chosen here, and tail, in this order."""

    profile: Name
    terminal_id: TerminalId
    purpose: Purpose
    head: Annotated[bytes, Meta(extra=SECRET)]
    tail: Annotated[bytes, Meta(extra=SECRET)]
    reader_id: str | None = None
    """With NEW_PAYMENT: the reader whose key must be valid too."""
    key_id: str | None = None
    """With SETTLE: the key that the payment began under."""


class GeneratedMac(Struct, frozen=True):
    ksn: bytes
    mac: Annotated[bytes, Meta(min_length=8, max_length=8)]
    key_id: str


class VerifyMac(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """Check the answer's MAC: `data` is all that it covers."""

    profile: Name
    terminal_id: TerminalId
    key_id: str
    ksn: bytes
    data: Annotated[bytes, Meta(extra=SECRET)]
    mac: bytes


class VerifiedMac(Struct, frozen=True):
    valid: bool


class EncryptData(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """Encrypt a keyed number or a scanned code for the host, so that it never touches the disk in clear."""

    profile: Name
    terminal_id: TerminalId
    purpose: Purpose
    data: Annotated[bytes, Meta(min_length=1, max_length=512, extra=SECRET)]
    key_id: str | None = None
    """With SETTLE: the key that the payment began under."""


class EncryptedData(HidesSecrets, frozen=True):
    """AES-CBC with a zero IV under the data encryption key of this KSN (X9.24-3), padded to a multiple of 64 bytes."""

    ksn: bytes
    cipher: Annotated[bytes, Meta(extra=SECRET)]
    key_id: str


class ExchangeReader(Struct, frozen=True, forbid_unknown_fields=True):
    """Bring the data key from the host into a reader, mutually proven [키교환]."""

    device: Name


class ExchangeTerminal(Struct, frozen=True, forbid_unknown_fields=True):
    """Bring a terminal's MAC key from the host into the key store."""

    terminal_id: TerminalId


class ExchangeProgress(Struct, frozen=True):
    step: str
    text: str


class KeyInfo(Struct, frozen=True, omit_defaults=True):
    """A key without the key."""

    key_id: str
    usage: KeyUsage
    owner: str
    """Terminal id, or the reader's identity."""
    profile: Name
    state: KeyState
    check_value: str
    injected_at_ms: UnixMs | None = None
    expires_at_ms: UnixMs | None = None
    device: str | None = None
    days_left: int | None = None
    """Days until an active key expires, a begun one counted, by the time that keys expire by."""
    note: str = ""
    """What is wrong with it and what to do; empty where nothing is."""


class KeyTime(Struct, frozen=True):
    """The time that keys expire by. It follows the card host's MACed time, not the machine's clock."""

    now_ms: UnixMs
    from_host: bool
    """False: no answer of the host has told its time yet; it counts from the machine's clock at the founding."""
    machine_ahead_s: int
    """How far this machine's clock is ahead of it; negative: behind."""


class KeyList(Struct, frozen=True, omit_defaults=True):
    keys: tuple[KeyInfo, ...]
    time: KeyTime | None = None
    store_schema: Count = 0
    """Of the key store: what another version of tpayd has to be able to read."""


class SignedTime(Struct, frozen=True, forbid_unknown_fields=True):
    """The repository of releases was vouched for at this time, and the signature over that was right. The updater's."""

    signed_ms: UnixMs


class KeyHappening(enum.StrEnum):
    """What an event is about."""

    EXPIRES_SOON = "expires_soon"
    """90, 30 and 7 days ahead (`warn_days`), each once."""
    EXPIRED = "expired"
    """New payments are refused from now on."""
    EXCHANGED = "exchanged"
    """A new key is in use."""
    EXCHANGE_FAILED = "exchange_failed"
    """The key before stays in force."""
    IN_DOUBT = "in_doubt"
    """The reader was given a new key and did not say whether it took it; it is asked. The key before stays in force."""


class KeyEvent(Struct, frozen=True, omit_defaults=True):
    """Something happened to a key, or is about to. Never holds a key."""

    happened: KeyHappening
    usage: KeyUsage
    owner: str
    """Terminal id, or the reader's identity; the device's name where that is not known."""
    at_ms: UnixMs
    text: str
    """For a person, with the way out."""
    device: str | None = None
    key_id: str | None = None
    expires_at_ms: UnixMs | None = None
    days_left: int | None = None
    automatic: bool = False
    """Nobody ordered the exchange: it was due."""
    reason: str | None = None
    """With a failed exchange: a stable word (docs/keys.md)."""


MAC_GENERATE = Op("mac.generate", GenerateMac, GeneratedMac)
MAC_VERIFY = Op("mac.verify", VerifyMac, VerifiedMac)
DATA_ENCRYPT = Op("data.encrypt", EncryptData, EncryptedData)
KEY_EXCHANGE_READER = Op("key.exchange_reader", ExchangeReader, KeyInfo, ExchangeProgress, Right.ADMIN)
KEY_EXCHANGE_TERMINAL = Op("key.exchange_terminal", ExchangeTerminal, KeyInfo, ExchangeProgress, Right.ADMIN)
TIME_SIGNED = Op("time.signed", SignedTime, Empty)
KEY_LIST = Op("key.list", Empty, KeyList, right=Right.READ_ONLY)

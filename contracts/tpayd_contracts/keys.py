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
    "MAC_EXCHANGE",
    "MAC_KEY",
    "REPLACED",
    "TIME_SIGNED",
    "TOPIC_KEY",
    "EncryptData",
    "EncryptedData",
    "ExchangeProgress",
    "ExchangeMaced",
    "ExchangeReader",
    "ExchangeTerminal",
    "ExchangedMaced",
    "FindMacKey",
    "FoundMacKey",
    "KeyEvent",
    "KeyHappening",
    "KeyInfo",
    "KeyList",
    "KeyState",
    "KeyTime",
    "KeyUsage",
    "KeysQuery",
    "Purpose",
    "SignedTime",
]


TOPIC_KEY = "key.event"
REPLACED = "replaced"
"""The detail of `key_unavailable` where the terminal has another key than the one that was named."""


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


class FindMacKey(Struct, frozen=True, forbid_unknown_fields=True):
    """Which MAC key a payment that begins now would have. Refused as `mac.exchange` would be; no counter is used."""

    profile: Name
    terminal_id: TerminalId
    reader_id: str | None = None
    """The reader whose key must be valid too."""


class FoundMacKey(Struct, frozen=True):
    key_id: str


class ExchangeMaced(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """MAC a request over head, the KSN chosen here, and tail; send it through the host link, once; check the answer.

    What is wrong here or there before a byte has left is `not_started`: `key_unavailable` (detail `replaced`: the
    terminal has another key by now), `integrity_failed`, `host_unavailable`. All else is `unknown`: `timeout`,
    `peer_lost`, and `invalid_body` for an answer whose MAC is wrong.
    """

    profile: Name
    terminal_id: TerminalId
    purpose: Purpose
    head: Annotated[bytes, Meta(extra=SECRET)]
    tail: Annotated[bytes, Meta(extra=SECRET)]
    answer_wait_s: Annotated[float, Meta(gt=0, le=120)]
    key_id: str | None = None
    """With NEW_PAYMENT: the key that was recorded for it, used only if it is the terminal's own still. With SETTLE:
    the key that the payment began under; without one the terminal's present key."""
    reader_id: str | None = None
    """With NEW_PAYMENT: the reader whose key must be valid too."""


class ExchangedMaced(HidesSecrets, frozen=True):
    """An answer whose MAC is right."""

    message: Annotated[bytes, Meta(extra=SECRET)]
    """As it came off the line, without its length prefix."""
    ksn: bytes
    """The request's: the answer must name the same."""
    host_us: int
    """Time between the last byte out and the first byte of the answer."""


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
    machine_ahead_s: int | None = None
    """How far this machine's clock is ahead of it; negative: behind. Left out until an answer of the host has told its
    time since the key manager's start."""


class KeysQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """List keys: from the first on, or those behind a key's id."""

    after: Annotated[str, Meta(max_length=128)] | None = None
    """The `next` of the page before."""


class KeyList(Struct, frozen=True, omit_defaults=True):
    """A page of all keys, in the order of their ids: as many as a frame holds."""

    keys: tuple[KeyInfo, ...]
    time: KeyTime | None = None
    store_schema: Count = 0
    """Of the key store: what another version of tpayd has to be able to read."""
    next: str | None = None
    """There are more: ask again with this as `after`. None on the last page."""


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


MAC_KEY = Op("mac.key", FindMacKey, FoundMacKey)
MAC_EXCHANGE = Op("mac.exchange", ExchangeMaced, ExchangedMaced)
DATA_ENCRYPT = Op("data.encrypt", EncryptData, EncryptedData)
KEY_EXCHANGE_READER = Op("key.exchange_reader", ExchangeReader, KeyInfo, ExchangeProgress, Right.ADMIN)
KEY_EXCHANGE_TERMINAL = Op("key.exchange_terminal", ExchangeTerminal, KeyInfo, ExchangeProgress, Right.ADMIN)
TIME_SIGNED = Op("time.signed", SignedTime, Empty)
KEY_LIST = Op("key.list", KeysQuery, KeyList, right=Right.READ_ONLY)

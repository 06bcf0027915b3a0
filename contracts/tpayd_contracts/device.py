"""Operations of the device broker: readers, leases, and the steps that a card takes."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.money import Minor
from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import Arc, Count, Lane, LocalTime, Name, UnixMs

__all__ = [
    "CARD_COMPLETE",
    "CARD_READ",
    "CARD_STATE",
    "DEVICE_LIST",
    "KEY_INJECT",
    "KEY_PREPARE",
    "KEY_RELEASE",
    "LEASE_ACQUIRE",
    "LEASE_RELEASE",
    "LEASE_RENEW",
    "LEASE_RESET",
    "READER_BAR",
    "TOPIC_DEVICE",
    "Ability",
    "AcquireLease",
    "Bar",
    "BarCause",
    "BarReaders",
    "CardProgress",
    "CardPrompt",
    "CardState",
    "CardStateQuery",
    "CompleteCard",
    "CompletedCard",
    "Device",
    "DeviceEvent",
    "DeviceFault",
    "DeviceList",
    "DevicesQuery",
    "DeviceState",
    "InjectKey",
    "InjectedKey",
    "Lease",
    "LeaseProgress",
    "LeaseRef",
    "PadText",
    "PrepareKey",
    "PreparedKey",
    "ReadCard",
    "ReadCardResult",
    "Reading",
    "ReleaseKeys",
    "ReleaseLeases",
    "RenewLeases",
    "RenewedLeases",
    "TransactionType",
    "WaitS",
]

TOPIC_DEVICE = "device.state"

WaitS = Annotated[float, Meta(gt=0, le=300)]
"""How long the customer may take, each time that he is asked."""
PadText = Annotated[tuple[Annotated[str, Meta(max_length=16)], ...], Meta(max_length=4)]
"""Lines on a pad, each at most 16 bytes in EUC-KR: 16 letters, or 8 Korean syllables."""


class Ability(enum.StrEnum):
    """What a device can do (T5, T6)."""

    IC = "ic"
    STRIPE = "stripe"
    CONTACTLESS = "contactless"
    QR = "qr"
    SIGN = "sign"
    PIN = "pin"


class DeviceState(enum.StrEnum):
    """A device's life in the pool."""

    ABSENT = "absent"
    """The port cannot be opened, or nobody answers on it [연결실패]."""
    STARTING = "starting"
    """Init, identification and self-test are under way."""
    READY = "ready"
    LEASED = "leased"
    QUARANTINE = "quarantine"
    """Not trusted with the next customer until init, drained input and 'no card'."""


class TransactionType(enum.StrEnum):
    """What the reader is told the card is for (request 10, type). A stripe fallback is the driver's own matter."""

    CREDIT = "credit"
    UNIONPAY = "unionpay"
    """With a PIN where the card asks for one; `card_failed` with detail "12" where the reader takes none."""
    CASH_IC = "cash_ic"
    """A bank card [현금IC]: account and PIN are entered at the reader (Ability.PIN). No stripe."""
    CASH_IC_INQUIRY = "cash_ic_inquiry"
    """The same, for a balance: the reader shows no amount."""
    CASH_RECEIPT = "cash_receipt"
    """A card that only says for whom a cash receipt is."""
    MEMBERSHIP = "membership"
    """A store's own card; a payment card is refused (detail "10")."""


class BarCause(enum.StrEnum):
    """Why a reader that works is lent to no payment."""

    KEY = "key"
    """Its key is missing, expired, or not the one that is known here."""
    INTEGRITY = "integrity"
    """Its self-test failed."""
    MAINTENANCE = "maintenance"
    """Somebody is at work on it."""
    FIRMWARE = "firmware"
    """Its firmware is being updated, or an update did not end well."""


class Bar(Struct, frozen=True, forbid_unknown_fields=True):
    """A reader that is lent to no payment; other readers serve its lanes."""

    device: Name
    cause: BarCause
    why: str
    """For a person, with the way out."""


class Device(Struct, frozen=True, omit_defaults=True):
    """One reader or pad as the broker sees it now."""

    name: Name
    label: str
    state: DeviceState
    driver: str
    port: str
    abilities: tuple[Ability, ...] = ()
    pool: Name | None = None
    """The pool that it belongs to; None for a lane's own device."""
    lane: Lane | None = None
    """The lane whose own it is: no other may use it (T5)."""
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    reader_id: str | None = None
    """The identity that its key is bound to (32 characters)."""
    key_check_value: Annotated[str, Meta(max_length=32)] | None = None
    """Of the key that it holds, by its own word; None where it holds none, or does not tell."""
    detail: str | None = None
    """Why it is not ready, and what to do."""
    leased_to: Lane | None = None
    bars: tuple[Bar, ...] = ()
    """Why no payment gets it, however ready it is."""


class DeviceFault(Struct, frozen=True, omit_defaults=True):
    """What is wrong in the settings of devices, pools and lanes, and the way out."""

    field: str
    """Where in config/device_broker.toml."""
    text: str
    lane: Lane | None = None
    """This lane is refused readers until it is mended."""
    device: Name | None = None
    """This device is lent to nobody until it is mended."""


class DevicesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """List devices: from the first on, or those behind a name."""

    after: Name | None = None
    """The `next` of the page before."""


class DeviceList(Struct, frozen=True, omit_defaults=True):
    """A page of all devices, in the order of their names: as many as a frame holds."""

    devices: tuple[Device, ...]
    queue_length: Count
    faults: tuple[DeviceFault, ...] = ()
    """On the first page alone; the first ones, where there are more than a page has room for."""
    next: Name | None = None
    """There are more: ask again with this as `after`. None on the last page."""


class DeviceEvent(Struct, frozen=True):
    """A device changed its state (T9)."""

    device: Device
    at_ms: UnixMs


class AcquireLease(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for a reader; lanes are served in fair turn."""

    lane: Lane
    payment_id: str
    abilities: tuple[Ability, ...] = (Ability.IC,)
    avoid: tuple[Name, ...] = ()
    """Readers lost under this payment already."""


class LeaseProgress(Struct, frozen=True, omit_defaults=True):
    """The lane's place among those who wait for a reader that it could use; 1 is next."""

    position: Count
    expected_wait_ms: Count | None = None
    """By the readers' use so far; None while nothing is known of it."""


class Lease(Struct, frozen=True):
    """A reader, for one payment, until released or expired. Each use names lease id and fencing token."""

    lease_id: str
    fence: int
    """Fencing token: grows with every lease of the device, so a late user of an old lease is told apart."""
    device: Name
    label: str
    reader_id: str
    ttl_s: float


class LeaseRef(Struct, frozen=True, forbid_unknown_fields=True):
    lease_id: str
    fence: int


class ReleaseLeases(Struct, frozen=True, forbid_unknown_fields=True):
    leases: tuple[LeaseRef, ...]
    """One that is over already is no fault: nothing is done about it."""


class RenewLeases(Struct, frozen=True, forbid_unknown_fields=True):
    leases: tuple[LeaseRef, ...]


class RenewedLeases(Struct, frozen=True):
    lost: tuple[LeaseRef, ...]
    """Those that are no longer held."""


class Reading(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a card is read for."""

    type: TransactionType
    amount_minor: Minor
    at: LocalTime
    """Local time for the reader, YYYYMMDDhhmmss."""
    card_wait_s: WaitS
    """For the card, and again for the PIN and for a choice."""
    choose: bool = False
    """Where a card has several applications (T27) or accounts, the customer chooses; otherwise the first is taken."""


class ReadCard(Reading, frozen=True, kw_only=True):
    """Have the customer present a card, and read it, under a lease that is held."""

    lease: LeaseRef


class CardPrompt(enum.StrEnum):
    """What the customer is asked for now, on the reader or pad."""

    PRESENT_CARD = "present_card"
    CARD_SEEN = "card_seen"
    """The customer's part is over, the reader's begins."""
    REMOVE_CARD = "remove_card"
    CHOOSE = "choose"
    """One of the card's applications or accounts."""
    ENTER_PIN = "enter_pin"
    SIGN = "sign"
    SHOW_CODE = "show_code"
    """A QR or barcode."""
    ENTER_NUMBER = "enter_number"


class CardProgress(Struct, frozen=True, omit_defaults=True):
    """One step of the customer at the reader."""

    prompt: CardPrompt
    remaining_ms: Count | None = None


class ReadCardResult(HidesSecrets, frozen=True, omit_defaults=True):
    """A card as it leaves the reader: masked for people, encrypted for the host. Never stored (PCI DSS 3.3)."""

    entry_mode: EntryMode
    masked_pan: str
    """Empty for a membership card."""
    ksn: bytes
    """AES-DUKPT key serial number, 12 bytes (X9.24-3); empty for a membership card, as is `cipher`."""
    cipher: Annotated[bytes, Meta(extra=SECRET)]
    """Track 2 equivalent, encrypted under the data key of that KSN."""
    emv: Annotated[bytes, Meta(extra=SECRET)] = b""
    """DE 55 as BER-TLV; empty for the stripe."""
    label: str | None = None
    fallback_code: str | None = None
    """Why the stripe was allowed (result codes 01 to 08)."""
    pin_ksn: bytes = b""
    """KSN of the PIN's key, 12 bytes; empty where no PIN was entered. It may be the card's own KSN."""
    pin_block: Annotated[bytes, Meta(extra=SECRET)] = b""
    """ISO 9564-1 format 4, 16 bytes, under the PIN key of `pin_ksn`. Never stored, not even so (PCI DSS 3.3.1.3)."""
    membership_number: Annotated[str, Meta(extra=SECRET)] | None = None
    """A membership card's number, in clear; never a payment card's."""
    reader_us: Count = 0
    customer_us: Count = 0


class CompleteCard(Struct, frozen=True, forbid_unknown_fields=True):
    """The host's word for the card: second GENERATE AC (EMV Book 3, 10.10 and 10.11)."""

    lease: LeaseRef
    approved: bool
    arc: Arc
    """Authorization response code, tag 8A."""
    issuer_data: bytes = b""
    """Tag 91."""
    scripts: bytes = b""
    """Tags 71 and 72, as the host sent them."""
    at: LocalTime = "00000000000000"


class CompletedCard(Struct, frozen=True, omit_defaults=True):
    accepted: bool
    """False: the card declined after all; the payment must be reversed."""
    message: str = ""
    cryptogram: str | None = None
    reader_us: Count = 0


class CardStateQuery(Struct, frozen=True, forbid_unknown_fields=True):
    device: Name


class CardState(Struct, frozen=True, omit_defaults=True):
    """Whether a card is in the slot, by the reader's last word (T31). Readers tell every change."""

    device: Name
    inside: bool | None = None
    """None: the reader is not connected."""


class BarReaders(Struct, frozen=True, forbid_unknown_fields=True):
    """Which readers are lent to no payment for this cause, from now on: all of them, so that telling it again is safe.

    A payment that holds one keeps it to its end.
    """

    cause: BarCause
    bars: tuple[Bar, ...] = ()


class PrepareKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Have a reader make its half. It is held for the other half, for a limited time."""

    device: Name
    idle_only: bool = False
    """Refuse (`busy`) a reader that is not idle, or while any payment waits; and let go of it as soon as one does."""


class PreparedKey(Struct, frozen=True):
    """The reader's half of the key exchange (response 41)."""

    reader_id: str
    serial_number: str
    blob: bytes
    """128 bytes: identity, random, encrypted proof."""


class ReleaseKeys(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Let go of a reader that was held for the other half of a key exchange, which does not come."""

    device: Name | None = None
    """None: all of them; a key manager that has just started holds none."""


class InjectKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Give a reader the host's half. Where it does not say whether it took it, it is identified anew."""

    device: Name
    at: LocalTime
    blob: bytes
    """48 bytes from the host."""
    held_only: bool = False
    """Refuse (`lease_lost`, not started) where the reader is no longer held: a payment has it, or had it meanwhile."""


class InjectedKey(Struct, frozen=True, omit_defaults=True):
    confirmed: bool
    check_value: str | None = None
    """The reader's own check value of the key it now holds, where it tells one."""


LEASE_ACQUIRE = Op("lease.acquire", AcquireLease, Lease, LeaseProgress)
LEASE_RENEW = Op("lease.renew", RenewLeases, RenewedLeases)
LEASE_RELEASE = Op("lease.release", ReleaseLeases, Empty)
LEASE_RESET = Op("lease.reset", Empty, Empty)
"""A transaction service that has just started holds no lease: all older ones of payments are fenced off."""
CARD_READ = Op("card.read", ReadCard, ReadCardResult, CardProgress)
CARD_COMPLETE = Op("card.complete", CompleteCard, CompletedCard, CardProgress)
CARD_STATE = Op("device.card", CardStateQuery, CardState, right=Right.READ_ONLY)
DEVICE_LIST = Op("device.list", DevicesQuery, DeviceList, right=Right.READ_ONLY)
READER_BAR = Op("reader.bar", BarReaders, Empty)
KEY_PREPARE = Op("reader.key_prepare", PrepareKey, PreparedKey)
KEY_RELEASE = Op("reader.key_release", ReleaseKeys, Empty)
KEY_INJECT = Op("reader.key_inject", InjectKey, InjectedKey)

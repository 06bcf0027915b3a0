"""What a card host says, in the store's own terms."""

from __future__ import annotations

import enum
from typing import NamedTuple

from msgspec import Struct

from tpayd.hosts.messages import HostTotals, Kind, Original
from tpayd.hosts.quiet import Quiet

__all__ = [
    "APPROVED",
    "ORIGINAL_NOT_FOUND",
    "OUT_OF_BALANCE",
    "TELLS_NOTHING",
    "EmvAnswer",
    "MatchKey",
    "Merchant",
    "Opened",
    "TypeClass",
    "Unsealed",
]

APPROVED = "00"
"""Response code (DE 39): done as asked."""
ORIGINAL_NOT_FOUND = "25"
"""Response code (DE 39) where the host does not know the original of a reversal, an inquiry or a void."""
OUT_OF_BALANCE = "95"
"""Response code (DE 39) of a reconciliation whose totals differ."""
TELLS_NOTHING = frozenset({"63", "91", "96"})
"""Response codes (DE 39) of an inquiry's answer that say nothing about its original: ask again."""


class TypeClass(enum.StrEnum):
    """The class of a message: a request and its answer share it."""

    FINANCIAL = "02"
    REVERSAL = "04"
    RECONCILIATION = "05"
    INQUIRY = "06"
    NETWORK = "08"


class MatchKey(NamedTuple):
    """By what an answer finds its request: at most one request is open per key."""

    type_class: TypeClass
    terminal_id: str
    stan: str


class Unsealed(Quiet, frozen=True):
    """A message without its MAC. Complete it is `head + ksn + tail + mac`; the MAC covers all before it."""

    head: bytes
    tail: bytes


class EmvAnswer(Quiet, frozen=True, kw_only=True):
    """The issuer's word for the card (EMV Book 3, annex A)."""

    arc: str | None = None
    """Authorization response code, tag 8A."""
    issuer_data: bytes = b""
    """Issuer authentication data, the value of tag 91."""
    scripts: bytes = b""
    """Templates 71 and 72, complete TLVs in the host's order."""


class Merchant(Struct, frozen=True, kw_only=True):
    """A merchant, as the host knows it and as a receipt names it."""

    merchant_id: str
    """DE 42."""
    business_number: str
    name: str
    representative: str = ""
    address: str = ""
    tel: str = ""


class Opened(Quiet, frozen=True, kw_only=True):
    """An answer of the host. Nothing in it may be believed before its MAC is checked, `type_class` NETWORK apart."""

    type_class: TypeClass
    mti: str
    terminal_id: str
    stan: str
    local: str | None = None
    """MMDDhhmmss as echoed (DE 7)."""
    merchant_id: str | None = None
    response_code: str
    """DE 39: two characters, `00` is yes. An inquiry's is what became of its original, `TELLS_NOTHING` apart."""
    kind: Kind | None = None
    """With the answer to a financial request or a reversal: what the request asked for."""
    amount_minor: int | None = None
    """As echoed; with an inquiry's answer its original's."""
    approval_code: str | None = None
    """Up to six characters, only with an approval; with an inquiry's answer its original's."""
    host_reference: str | None = None
    """The host's own number of the transaction (DE 37)."""
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None
    """The host's sentence for the cashier."""
    emv: EmvAnswer | None = None
    original: Original | None = None
    """With the answer to a reversal or an inquiry; its `local` is MMDDhhmmss, as DE 90 holds it."""
    balance_minor: int | None = None
    """Of the account, with the answer to a balance inquiry; below 0 it is owed."""
    voided_minor: int = 0
    """With an inquiry's answer: how much of its original has been voided since."""
    totals: HostTotals | None = None
    """With a reconciliation's answer: the host's own."""
    merchant: Merchant | None = None
    """With a merchant download's answer. Not MACed: show it, and let somebody look."""
    ksn: bytes = b""
    """Key serial number of the MAC key: must be the request's."""
    mac: bytes = b""
    covered: bytes = b""
    """What the MAC covers."""
    network_code: str | None = None
    """DE 70 of a network answer."""
    key_blob: bytes = b""
    """The host's half of a key exchange."""
    ikid: bytes = b""
    """With a key exchange: identity of the key that the host sent, 8 bytes."""
    check_value: str | None = None
    """With a key exchange: what the receiver must compute from that key, ten hexadecimal digits."""

    @property
    def approved(self) -> bool:
        return self.response_code == APPROVED

"""What a card host says, in the store's own terms."""

from __future__ import annotations

import enum
from typing import NamedTuple

from tpayd.hosts.messages import Original
from tpayd.hosts.quiet import Quiet

__all__ = ["APPROVED", "ORIGINAL_NOT_FOUND", "EmvAnswer", "MatchKey", "Opened", "TypeClass", "Unsealed"]

APPROVED = "00"
"""Response code (DE 39): done as asked."""
ORIGINAL_NOT_FOUND = "25"
"""Response code (DE 39) of a reversal whose original the host does not know."""


class TypeClass(enum.StrEnum):
    """The class of a message: a request and its answer share it."""

    FINANCIAL = "02"
    REVERSAL = "04"
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
    """DE 39: two characters, `00` is yes."""
    amount_minor: int | None = None
    approval_code: str | None = None
    """Six characters, only with an approval."""
    host_reference: str | None = None
    """The host's own number of the transaction (DE 37)."""
    issuer: str | None = None
    acquirer: str | None = None
    message: str | None = None
    """The host's sentence for the cashier."""
    emv: EmvAnswer | None = None
    original: Original | None = None
    """With a reversal's answer; its `local` is MMDDhhmmss, as DE 90 holds it."""
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

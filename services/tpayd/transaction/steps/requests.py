"""What the card host is asked, from what is known of a payment. Pure."""

from __future__ import annotations

from msgspec import Struct

from tpayd.hosts import Financial, Inquiry, Original, Quiet, Reversal
from tpayd.hosts.signature import pack_signature
from tpayd.transaction.payment import Claim, Payment
from tpayd_contracts.payment import EntryMode

__all__ = ["Numbered", "Presented", "financial_of", "inquiry_of", "original_of", "reversal_of"]


class Numbered(Struct, frozen=True):
    """A request's own number and time; a repeat keeps them."""

    stan: str
    local: str
    business_day: str


class Presented(Quiet, frozen=True):
    """What the customer presented, as the host gets it: encrypted. It lives in memory only."""

    entry_mode: EntryMode | None = None
    ksn: bytes = b""
    cipher: bytes = b""
    terminal_cipher: bool = False
    emv: bytes = b""
    fallback_code: str | None = None
    pin_ksn: bytes = b""
    pin_block: bytes = b""


def financial_of(
    payment: Payment, merchant_id: str, number: Numbered, presented: Presented, signature: bytes = b""
) -> Financial:
    """The request of an order. Raises HostFormatError for a signature that is none."""
    order = payment.ordered
    return Financial(
        kind=order.kind, terminal_id=payment.terminal_id, merchant_id=merchant_id, stan=number.stan,
        local=number.local, business_day=number.business_day, amount=order.amount, installments=order.installments,
        network=order.network, entry_mode=presented.entry_mode, ksn=presented.ksn, cipher=presented.cipher,
        terminal_cipher=presented.terminal_cipher, pin_ksn=presented.pin_ksn, pin_block=presented.pin_block,
        emv=presented.emv, fallback_code=presented.fallback_code,
        signature=pack_signature(signature) if signature else b"",
        original=None if payment.claim is None else _claimed(payment.claim), purpose=order.purpose,
        void_reason=order.void_reason, provider=order.provider, reference=order.reference,
    )  # fmt: skip


def reversal_of(payment: Payment, merchant_id: str, *, repeat: bool) -> Reversal:
    """The reversal that a payment owes; it must have been numbered."""
    record = payment.reversal
    assert record is not None and record.stan is not None and record.local is not None  # noqa: S101, PT018
    assert record.business_day is not None  # noqa: S101
    return Reversal(
        kind=payment.ordered.kind, terminal_id=payment.terminal_id, merchant_id=merchant_id, stan=record.stan,
        local=record.local, business_day=record.business_day, amount_minor=payment.amount_minor,
        original=original_of(payment), reason=record.reason, repeat=repeat,
    )  # fmt: skip


def inquiry_of(payment: Payment, merchant_id: str) -> Inquiry:
    """The question what became of a payment; it must have been numbered."""
    record = payment.inquiry
    assert record is not None and record.stan is not None and record.local is not None  # noqa: S101, PT018
    assert record.business_day is not None  # noqa: S101
    return Inquiry(
        terminal_id=payment.terminal_id, merchant_id=merchant_id, stan=record.stan, local=record.local,
        business_day=record.business_day, original=original_of(payment),
    )  # fmt: skip


def original_of(payment: Payment) -> Original:
    """A payment that was sent, by its number."""
    assert payment.stan is not None and payment.local is not None  # noqa: S101, PT018
    return Original(stan=payment.stan, local=payment.local)


def _claimed(claim: Claim) -> Original:
    return Original(
        stan=claim.stan, local=claim.local, approval_code=claim.approval_code,
        business_day=claim.business_day or claim.approved_on, amount_minor=claim.amount_minor,
        terminal_id=claim.terminal_id,
    )  # fmt: skip

"""Whether a void or a refund may take back what it names. Pure."""

from __future__ import annotations

from tpayd.hosts import Financial, Kind
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.lookups import Found

__all__ = ["TAKES_BACK", "judge_void"]

TAKES_BACK: dict[Kind, frozenset[Kind]] = {
    Kind.VOID: frozenset({Kind.SALE, Kind.SIMPLE_PAY}),
    Kind.SIMPLE_PAY_VOID: frozenset({Kind.SIMPLE_PAY}),
    Kind.CASH_RECEIPT_VOID: frozenset({Kind.CASH_RECEIPT}),
    Kind.CASH_IC_REFUND: frozenset({Kind.CASH_IC_SALE}),
}
"""A receipt does not say whether a card or a wallet paid, so a void by receipt is good for both."""


def judge_void(request: Financial, found: Found | None, *, partial: bool) -> Code:
    """The host's answer. `partial`: whether less than the whole may be given back, more than once if need be."""
    if found is None or found.kind not in TAKES_BACK[request.kind]:
        return Code.ORIGINAL_NOT_FOUND
    if found.merchant_id != request.merchant_id:
        return Code.OTHER_MERCHANT
    if not found.stands:
        return Code.INVALID
    named_minor = None if request.original is None else request.original.amount_minor
    if named_minor not in (None, found.amount_minor):
        return Code.INVALID_AMOUNT
    left_minor = found.amount_minor - found.voided_minor
    if not left_minor:
        return Code.ALREADY_VOIDED
    fits = request.total_minor <= left_minor if partial else request.total_minor == found.amount_minor
    return Code.APPROVED if fits else Code.INVALID_AMOUNT

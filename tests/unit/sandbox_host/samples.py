"""Requests to a host's book, made for tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from msgspec import structs

from tests.unit.hosts.examples import SALE
from tpayd.hosts import Financial, Kind, Original, Reversal, ReversalReason
from tpayd.sandbox.host.cards import Card
from tpayd.sandbox.host.ledger import Booked, Ledger
from tpayd.sandbox.host.voids import judge_void
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CashReceiptPurpose, CashReceiptVoidReason
from tpayd_contracts.sandbox import LedgerEntry

CARD = Card(masked_pan="411111******1111", token="t" * 32, issuer="i", acquirer="a")
DAY = SALE.business_day

_stans = count(100)
_NEEDS: dict[Kind, dict[str, Any]] = {
    Kind.CASH_RECEIPT: {"purpose": CashReceiptPurpose.DEDUCTION},
    Kind.CASH_RECEIPT_VOID: {"void_reason": CashReceiptVoidReason.CANCEL},
    Kind.SIMPLE_PAY: {"provider": "kakaopay"},
}


def request(kind: Kind = Kind.SALE, total_minor: int = 10_000, **changes: Any) -> Financial:
    """A request of its own STAN."""
    amount = None if kind is Kind.CASH_IC_BALANCE else Amount(total_minor=total_minor)
    fields = {"kind": kind, "stan": f"{next(_stans):06d}", "amount": amount} | _NEEDS.get(kind, {}) | changes
    return structs.replace(SALE, **fields)


def named(sale: Financial) -> Original:
    """By STAN and time."""
    return Original(stan=sale.stan, local=sale.local)


def void_of(sale: Financial, total_minor: int | None = None, **changes: Any) -> Financial:
    """The void or refund that fits the kind of what it takes back."""
    kind = {
        Kind.SALE: Kind.VOID, Kind.SIMPLE_PAY: Kind.SIMPLE_PAY_VOID, Kind.CASH_RECEIPT: Kind.CASH_RECEIPT_VOID,
        Kind.CASH_IC_SALE: Kind.CASH_IC_REFUND,
    }[sale.kind]  # fmt: skip
    kind = changes.pop("kind", kind)
    return request(kind, total_minor or sale.total_minor, **{"original": named(sale)} | changes)


def reversal_of(taken_back: Financial, **changes: Any) -> Reversal:
    """Its reversal."""
    reversal = Reversal(
        kind=taken_back.kind, terminal_id=taken_back.terminal_id, merchant_id=taken_back.merchant_id,
        stan=f"{next(_stans):06d}", local="20260314160000", business_day=DAY, amount_minor=taken_back.total_minor,
        original=named(taken_back), reason=ReversalReason.NO_ANSWER,
    )  # fmt: skip
    return structs.replace(reversal, **changes)


def take(ledger: Ledger, taken: Financial, *, partial: bool = True) -> Booked:
    """Book it as the host does; a void by its rules."""
    if taken.original is None:
        return ledger.book(taken, CARD, "00")
    found = ledger.lookups.find(taken.original, taken.terminal_id)
    code = judge_void(taken, found, partial=partial)
    return ledger.book(taken, CARD, code, None if found is None or code == "25" else found.number)


def entry(ledger: Ledger, number: int) -> LedgerEntry:
    """One booking as it is shown."""
    return ledger.entries(number - 1, 1)[0]

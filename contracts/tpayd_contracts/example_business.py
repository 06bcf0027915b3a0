"""Examples of a business day's totals and of its close."""

from __future__ import annotations

from tpayd_contracts import business
from tpayd_contracts.example_payments import AT_MS, REQUEST_ID, Example
from tpayd_contracts.payment import PaymentKind, PaymentState

__all__ = ["BUSINESS"]

_TOTALS = business.DayTotals(
    business_day="20260302",
    host_profile="test",
    at_ms=AT_MS,
    lines=(
        business.TotalLine(
            lane="1", terminal_id="TPAY0001", kind=PaymentKind.SALE, reversed=False, count=2, total_minor=22_000,
            supply_minor=20_000, vat_minor=2_000, service_charge_minor=0, tax_free_minor=0,
        ),
    ),
    acknowledgements=(
        business.LaneAcknowledgements(
            lane="1", approved_count=2, approved_minor=22_000, acknowledged_count=2, acknowledged_minor=22_000
        ),
    ),
    open=(
        business.ListedPayment(
            lane="1", request_id=REQUEST_ID, payment_id="p-1-000042", terminal_id="TPAY0001", kind=PaymentKind.SALE,
            state=PaymentState.REVERSING, amount_minor=11_000, created_ms=AT_MS, business_day="20260302",
            stan="000042",
        ),
    ),
)  # fmt: skip
_REPORT = business.CloseReport(
    number=1,
    balance=business.Balance.DIFFERENT,
    totals=_TOTALS,
    terminals=(
        business.TerminalBalance(
            terminal_id="TPAY0001",
            balance=business.Balance.DIFFERENT,
            differences=(business.Difference(figure="sales_minor", ours=22_000, hosts=33_000),),
            suspects=(REQUEST_ID,),
        ),
    ),
)

BUSINESS: dict[str, Example] = {
    business.TOTALS.name: Example(business.DayQuery(business_day="20260302"), _TOTALS),
    business.CLOSE.name: Example(
        business.DayQuery(), _REPORT, business.CloseProgress(text="comparing terminal TPAY0001", done=0, of=1)
    ),
    business.REPORT.name: Example(business.ReportQuery(business_day="20260302", number=1), _REPORT),
}

"""Adds up a business day, payment by payment. Pure.

Only what stands is counted: approved, and not reversed since. What was reversed is counted apart, on the business day
of its reversal, and only if the host has confirmed it: so the host counts too (docs/host-protocol.md). A balance
counts nowhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from tpayd.hosts import APPROVED, HostTotals
from tpayd.transaction.journal import OPEN_STATES
from tpayd.transaction.payment import Payment
from tpayd.transaction.verdict import PAID_STATES
from tpayd_contracts.business import LISTED_MAX, CloseReport, DayTotals, LaneAcknowledgements, ListedPayment, TotalLine
from tpayd_contracts.payment import PaymentKind as K
from tpayd_contracts.payment import PaymentState as S

__all__ = ["DayBook", "host_totals"]

_STANDS = PAID_STATES | {S.CHARGED}
_SALES = frozenset({K.SALE, K.CASH_IC_SALE, K.SIMPLE_PAY})
_VOIDS = frozenset({K.VOID, K.SIMPLE_PAY_VOID, K.CASH_IC_REFUND})
_MOVES_NOTHING = frozenset({K.CASH_IC_BALANCE})

_Place = tuple[str, str, K, bool]


class _Sum(Struct):
    count: int = 0
    total_minor: int = 0
    supply_minor: int = 0
    vat_minor: int = 0
    service_charge_minor: int = 0
    tax_free_minor: int = 0

    def add_line(self, line: TotalLine) -> None:
        self.count += line.count
        self.total_minor += line.total_minor
        self.supply_minor += line.supply_minor
        self.vat_minor += line.vat_minor
        self.service_charge_minor += line.service_charge_minor
        self.tax_free_minor += line.tax_free_minor

    def add(self, payment: Payment) -> None:
        self.count += 1
        amount = payment.amount
        if amount is not None:
            self.total_minor += amount.total_minor
            self.supply_minor += amount.supply
            self.vat_minor += amount.vat_minor
            self.service_charge_minor += amount.service_charge_minor
            self.tax_free_minor += amount.tax_free_minor


class _Acknowledged(Struct):
    approved_count: int = 0
    approved_minor: int = 0
    acknowledged_count: int = 0
    acknowledged_minor: int = 0

    def add(self, payment: Payment) -> None:
        self.approved_count += 1
        self.approved_minor += payment.amount_minor
        if payment.acknowledged_ms is not None:
            self.acknowledged_count += 1
            self.acknowledged_minor += payment.amount_minor


@dataclass(slots=True)
class _Listed:
    """The first LISTED_MAX payments of a list, and how many more there are."""

    payments: list[ListedPayment] = field(default_factory=list)
    left_out: int = 0

    def add(self, payment: Payment) -> None:
        if len(self.payments) == LISTED_MAX:
            self.left_out += 1
            return
        self.payments.append(
            ListedPayment(
                lane=payment.lane, request_id=payment.request_id, payment_id=payment.payment_id,
                terminal_id=payment.terminal_id, kind=payment.order.kind if payment.order is not None else K.SALE,
                state=payment.state, amount_minor=payment.amount_minor, created_ms=payment.created_ms,
                business_day=payment.business_day, stan=payment.stan,
            )
        )  # fmt: skip


class DayBook:
    """The book of one business day, filled payment by payment. In which order does not matter.

    `before` is the day's former close, if there was one: what it counted of payments without a POS is not kept by now.
    """

    def __init__(self, business_day: str, profile: str, before: CloseReport | None = None) -> None:
        self.business_day = business_day
        self.profile = profile
        self._sums: defaultdict[_Place, _Sum] = defaultdict(_Sum)
        self._without_pos: defaultdict[_Place, _Sum] = defaultdict(_Sum)
        self._counted_until_ms = 0
        if before is not None:
            self._counted_until_ms = before.totals.at_ms
            for line in before.without_pos:
                place = line.lane, line.terminal_id, line.kind, line.reversed
                self._sums[place].add_line(line)
                self._without_pos[place].add_line(line)
        self._lanes: defaultdict[str, _Acknowledged] = defaultdict(_Acknowledged)
        self._open = _Listed()
        self._unacknowledged = _Listed()
        self._by_hand = _Listed()
        self.unacknowledged: list[tuple[str, str]] = []
        """Lane and request id of each payment that stays without an acknowledgement after the close."""

    def enter(self, payment: Payment) -> None:
        """Enter a payment of whatever day; what does not belong into this book is left out."""
        if payment.profile != self.profile:
            return
        if payment.state in OPEN_STATES:
            # Of this day or an earlier one, or without a day yet: it is carried over.
            if payment.business_day is None or payment.business_day <= self.business_day:
                self._open.add(payment)
            return
        if payment.order is None or payment.order.kind in _MOVES_NOTHING:
            return
        if payment.state in _STANDS and payment.business_day == self.business_day:
            self._enter_standing(payment)
        elif _was_reversed_on(payment, self.business_day):
            self._add(payment, was_reversed=True)

    def _enter_standing(self, payment: Payment) -> None:
        if payment.standalone and (payment.ended_ms or 0) <= self._counted_until_ms:
            return
        self._add(payment, was_reversed=False)
        if payment.state == S.CHARGED:
            self._by_hand.add(payment)
            return
        self._lanes[payment.lane].add(payment)
        if payment.acknowledged_ms is None:
            self._unacknowledged.add(payment)
            if payment.state == S.APPROVED and not payment.reverse_unacknowledged:
                self.unacknowledged.append((payment.lane, payment.request_id))

    def _add(self, payment: Payment, *, was_reversed: bool) -> None:
        place = payment.lane, payment.terminal_id, payment.ordered.kind, was_reversed
        self._sums[place].add(payment)
        if payment.standalone:
            self._without_pos[place].add(payment)

    @property
    def without_pos(self) -> tuple[TotalLine, ...]:
        """The lines that payments without a POS are."""
        return _lines(self._without_pos)

    def totals(self, at_ms: int) -> DayTotals:
        """The book as it is now."""
        return DayTotals(
            business_day=self.business_day, host_profile=self.profile, at_ms=at_ms,
            lines=_lines(self._sums),
            acknowledgements=tuple(
                LaneAcknowledgements(
                    lane, of.approved_count, of.approved_minor, of.acknowledged_count, of.acknowledged_minor
                )
                for lane, of in sorted(self._lanes.items())
            ),
            open=tuple(self._open.payments), open_left_out=self._open.left_out,
            unacknowledged=tuple(self._unacknowledged.payments),
            unacknowledged_left_out=self._unacknowledged.left_out,
            settled_by_hand=tuple(self._by_hand.payments), settled_by_hand_left_out=self._by_hand.left_out,
        )  # fmt: skip


def _lines(sums: dict[_Place, _Sum]) -> tuple[TotalLine, ...]:
    return tuple(
        TotalLine(
            lane, terminal_id, kind, was_reversed, of.count, of.total_minor, of.supply_minor, of.vat_minor,
            of.service_charge_minor, of.tax_free_minor,
        )
        for (lane, terminal_id, kind, was_reversed), of in sorted(sums.items())
    )  # fmt: skip


def host_totals(lines: Iterable[TotalLine], terminal_id: str) -> HostTotals:
    """One terminal's lines as the host counts them (0500)."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for line in lines:
        if line.terminal_id == terminal_id:
            figure = _figure(line)
            sums[figure][0] += line.count
            sums[figure][1] += line.total_minor
    return HostTotals(
        **{f"{figure}_count": count for figure, (count, _) in sums.items()},
        **{f"{figure}_minor": minor for figure, (_, minor) in sums.items()},
    )


def _figure(line: TotalLine) -> str:
    if line.reversed:
        return "reversals"
    if line.kind in _SALES:
        return "sales"
    if line.kind in _VOIDS:
        return "voids"
    return "cash_receipts" if line.kind == K.CASH_RECEIPT else "cash_receipt_voids"


def _was_reversed_on(payment: Payment, business_day: str) -> bool:
    reversal = payment.reversal
    return (
        payment.state == S.REVERSED
        and reversal is not None
        and reversal.response_code == APPROVED
        and reversal.business_day == business_day
    )

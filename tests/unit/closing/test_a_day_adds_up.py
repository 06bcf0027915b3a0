"""A business day counts what stands, once, where it belongs."""

from __future__ import annotations

from msgspec.structs import replace

from tests.unit.transaction.samples import NOW_MS, PAYMENT, SALE, payment_in
from tpayd.hosts import HostTotals, Opened, ReversalReason, TypeClass
from tpayd.transaction.closing.comparing import compared, not_compared, overall
from tpayd.transaction.closing.totals import DayBook, host_totals
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment, ReversalRecord
from tpayd_contracts.business import LISTED_MAX, Balance, CloseReport, DayTotals, Difference
from tpayd_contracts.payment import PaymentKind as K
from tpayd_contracts.payment import PaymentState as S

DAY = "20260922"


def done(kind: K = K.SALE, state: S = S.CLOSED, **more: object) -> Payment:
    """A payment of the day that stands and is acknowledged, unless told otherwise."""
    fields = {"acknowledged_ms": NOW_MS} | more
    return replace(payment_in(state), order=Order(kind=kind, amount=SALE.amount), **fields)


def book(*payments: Payment) -> DayTotals:
    made = DayBook(DAY, "test")
    for payment in payments:
        made.enter(payment)
    return made.totals(NOW_MS)


def reversed_on(day: str, code: str = "00") -> Payment:
    record = ReversalRecord(
        reason=ReversalReason.NO_ANSWER, stan="000002", local=f"{day}101010", business_day=day, response_code=code
    )
    return done(state=S.REVERSED, reversal=record)


def test_each_kind_counts_in_its_figure() -> None:
    """As the host counts them (0500)."""
    kinds = (K.SALE, K.CASH_IC_SALE, K.SIMPLE_PAY, K.VOID, K.CASH_IC_REFUND, K.CASH_RECEIPT, K.CASH_RECEIPT_VOID)
    totals = book(*(done(kind) for kind in kinds), done(K.CASH_IC_BALANCE))
    expected = HostTotals(
        sales_count=3, sales_minor=33_000, voids_count=2, voids_minor=22_000, cash_receipts_count=1,
        cash_receipts_minor=11_000, cash_receipt_voids_count=1, cash_receipt_voids_minor=11_000,
    )  # fmt: skip
    assert expected == host_totals(totals.lines, "TPAY0001")
    assert HostTotals() == host_totals(totals.lines, "TPAY0002")


def test_the_parts_of_an_amount_add_up_by_themselves() -> None:
    """Supply, VAT, service charge and tax-free part stay apart."""
    (line,) = book(done(), done()).lines
    parts = line.supply_minor + line.vat_minor + line.service_charge_minor + line.tax_free_minor
    assert (2, 22_000, 2_000, 22_000) == (line.count, line.total_minor, line.vat_minor, parts)


def test_another_day_and_another_profile_count_nothing() -> None:
    """Each has a book of its own."""
    assert () == book(done(business_day="20260921"), done(profile="live")).lines


def test_what_was_reversed_counts_on_the_day_of_its_reversal() -> None:
    """And only if the host has confirmed it."""
    totals = book(reversed_on(DAY), reversed_on("20260923"), reversed_on(DAY, code="25"))
    assert HostTotals(reversals_count=1, reversals_minor=11_000) == host_totals(totals.lines, "TPAY0001")


def test_what_has_no_end_is_carried_over() -> None:
    """Of this day and of earlier ones; a payment that has not been sent yet too."""
    open_ = [done(state=S.REVERSING), done(state=S.NEEDS_HUMAN, business_day="20260901"), replace(PAYMENT)]
    totals = book(*open_, done(state=S.REVERSING, business_day="20260923"))
    assert [S.REVERSING, S.NEEDS_HUMAN, S.CREATED] == [payment.state for payment in totals.open]
    assert () == totals.lines


def test_a_long_list_says_how_much_it_leaves_out() -> None:
    """A report fits into a message."""
    totals = book(*[done(state=S.REVERSING)] * (LISTED_MAX + 7))
    assert (LISTED_MAX, 7) == (len(totals.open), totals.open_left_out)


def test_payments_that_no_pos_knows_are_told_apart() -> None:
    """Approved is what the daemon has, acknowledged what the POS has."""
    totals = book(done(), done(state=S.APPROVED, acknowledged_ms=None))
    (lane,) = totals.acknowledgements
    assert (2, 22_000, 1, 11_000) == (
        lane.approved_count, lane.approved_minor, lane.acknowledged_count, lane.acknowledged_minor
    )  # fmt: skip
    assert [S.APPROVED] == [payment.state for payment in totals.unacknowledged]


def test_a_payment_settled_by_hand_is_money_at_the_host() -> None:
    """The POS was told NOT PAID, so it is listed as well."""
    totals = book(done(state=S.CHARGED))
    assert 1 == host_totals(totals.lines, "TPAY0001").sales_count
    assert [S.CHARGED] == [payment.state for payment in totals.settled_by_hand]
    assert () == totals.acknowledgements


def test_payments_without_a_pos_count_in_every_close_of_their_day() -> None:
    """The first close has them purged, so a later one takes their sums from its report; one that is new is added."""
    first = DayBook(DAY, "test")
    stub = done(ended_ms=NOW_MS - 1)
    stub = replace(stub, order=replace(stub.ordered, standalone=True))
    first.enter(stub)
    closed = CloseReport(1, Balance.BALANCED, first.totals(NOW_MS), (), without_pos=first.without_pos)
    for left, expected in (((), 1), ((stub,), 1), ((stub, replace(stub, ended_ms=NOW_MS + 1)), 2)):
        again = DayBook(DAY, "test", closed)
        for payment in left:
            again.enter(payment)
        assert expected == host_totals(again.totals(NOW_MS).lines, "TPAY0001").sales_count
        assert again.totals(NOW_MS).lines == again.without_pos


def answer(code: str, totals: HostTotals | None = None) -> Opened:
    return Opened(
        type_class=TypeClass.RECONCILIATION, mti="0510", terminal_id="TPAY0001", stan="000009", response_code=code,
        totals=totals,
    )  # fmt: skip


def test_a_difference_is_named_figure_by_figure_with_its_suspects() -> None:
    """Payments without an end may explain it."""
    totals = book(done(), done(state=S.NEEDS_HUMAN))
    ours = host_totals(totals.lines, "TPAY0001")
    found = compared("TPAY0001", ours, answer("95", HostTotals(sales_count=2, sales_minor=22_000)), totals)
    assert Balance.DIFFERENT == found.balance
    assert (Difference("sales_count", 1, 2), Difference("sales_minor", 11_000, 22_000)) == found.differences
    assert (PAYMENT.request_id,) == found.suspects


def test_an_answer_that_says_nothing_compares_nothing() -> None:
    """It is no balance, and no difference either."""
    assert Balance.NOT_COMPARED == compared("TPAY0001", HostTotals(), answer("96"), book()).balance


def test_the_worst_terminal_decides() -> None:
    """Different, else not compared, else balanced."""
    balanced = compared("TPAY0001", HostTotals(), answer("00"), book())
    silent = not_compared("TPAY0002", "silence")
    different = compared("TPAY0003", HostTotals(), answer("95", HostTotals(sales_count=1)), book())
    assert Balance.BALANCED == overall([balanced])
    assert Balance.NOT_COMPARED == overall([balanced, silent])
    assert Balance.DIFFERENT == overall([balanced, silent, different])

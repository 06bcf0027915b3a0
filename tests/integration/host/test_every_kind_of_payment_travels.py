"""Each kind of request over real TCP, through the host link: its approval, its declines, and what the host booked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from tests.harness import Store, card_numbers_in
from tests.integration.host.terminal import TRACK, Terminal
from tpayd.hosts import Financial, Kind, Original
from tpayd.hosts.signature import pack_signature
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import Outcome
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CardNetwork, CashReceiptPurpose, CashReceiptVoidReason
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.sandbox import HostMode, HostRequest, LedgerEntry

PHONE = "01098765432"
CODE = "281006135792468024"


@pytest.fixture(autouse=True)
def as_asked(store: Store) -> Iterator[None]:
    """No test leaves a misbehaving host to the next."""
    yield
    store.sandbox.host(HostMode.APPROVE)


def booked(store: Store, request: Financial) -> LedgerEntry:
    (found,) = (entry for entry in store.sandbox.ledger() if entry.stan == request.stan)
    return found


def code_of(terminal: Terminal, request: Financial) -> str:
    answer = terminal.ask(request)
    assert (True, request.kind) == (answer.genuine, answer.opened.kind)
    return answer.opened.response_code


def receipt(terminal: Terminal, total_minor: int = 10_000, **more: Any) -> Financial:
    fields = {"purpose": CashReceiptPurpose.DEDUCTION, **terminal.keyed(PHONE)} | more
    return terminal.request(Kind.CASH_RECEIPT, total_minor, **fields)


def paid(terminal: Terminal, kind: Kind) -> Financial:
    """A request of this kind that was approved."""
    request = {
        Kind.SALE: lambda: terminal.sale(10_000),
        Kind.CASH_RECEIPT: lambda: receipt(terminal),
        Kind.CASH_IC_SALE: lambda: terminal.request(Kind.CASH_IC_SALE, 10_000, **terminal.card(pin="1234")),
        Kind.SIMPLE_PAY: lambda: terminal.request(
            Kind.SIMPLE_PAY, 10_000, provider="kakaopay", **terminal.keyed(CODE, EntryMode.BARCODE)
        ),
    }[kind]()
    assert "00" == code_of(terminal, request)
    return request


def taking_back(terminal: Terminal, request: Financial, total_minor: int | None = None) -> Financial:
    """The void or refund that belongs to a request."""
    kind, more = {
        Kind.SALE: (Kind.VOID, {}),
        Kind.CASH_RECEIPT: (Kind.CASH_RECEIPT_VOID, {"void_reason": CashReceiptVoidReason.MIS_ISSUE}),
        Kind.CASH_IC_SALE: (Kind.CASH_IC_REFUND, terminal.card(pin="1234")),
        Kind.SIMPLE_PAY: (Kind.SIMPLE_PAY_VOID, {}),
    }[request.kind]
    return terminal.void(kind, request, total_minor, **more)


PAYMENTS = [Kind.SALE, Kind.CASH_RECEIPT, Kind.CASH_IC_SALE, Kind.SIMPLE_PAY]


@pytest.mark.parametrize("kind", PAYMENTS)
def test_it_is_paid_voided_and_stands_again(terminal: Terminal, store: Store, kind: Kind) -> None:
    """The net of the original follows: all of it, nothing, and all of it again when the void is reversed."""
    request = paid(terminal, kind)
    nets = [booked(store, request).net_minor]
    void = taking_back(terminal, request)
    codes = [code_of(terminal, void)]
    nets.append(booked(store, request).net_minor)
    codes.append(terminal.ask(terminal.reversal(void)).opened.response_code)
    nets.append(booked(store, request).net_minor)
    assert (["00", "00"], [10_000, 0, 10_000]) == (codes, nets)
    assert (void.kind.value, True, booked(store, request).number) == (
        booked(store, void).kind.value, booked(store, void).reversed, booked(store, void).original,
    )  # fmt: skip


@pytest.mark.parametrize("kind", PAYMENTS)
def test_it_is_reversed(terminal: Terminal, store: Store, kind: Kind) -> None:
    """And cannot be voided any more (12)."""
    request = paid(terminal, kind)
    assert "00" == terminal.ask(terminal.reversal(request)).opened.response_code
    assert (0, "12") == (booked(store, request).net_minor, code_of(terminal, taking_back(terminal, request)))


@pytest.mark.parametrize("kind", PAYMENTS)
def test_it_is_voided_once(terminal: Terminal, kind: Kind) -> None:
    """21 to the second."""
    request = paid(terminal, kind)
    assert ["00", "21"] == [code_of(terminal, taking_back(terminal, request)) for _ in range(2)]


@pytest.mark.parametrize("kind", PAYMENTS)
def test_part_of_it_is_voided(terminal: Terminal, store: Store, kind: Kind) -> None:
    """No more than is left (13)."""
    request = paid(terminal, kind)
    codes = [code_of(terminal, taking_back(terminal, request, part)) for part in (4_000, 7_000, 6_000)]
    assert (["00", "13", "00"], 10_000) == (codes, booked(store, request).voided_minor)


def test_a_receipt_names_a_sale_of_another_terminal(terminal: Terminal, store: Store) -> None:
    """By approval code, date and amount; or by its STAN and its terminal."""
    other = Terminal.of(store, "TPAY0002")
    # A STAN that no request of the first terminal has in the same second.
    sale = structs.replace(other.sale(10_000), stan="900001")
    code = other.ask(sale).opened.approval_code
    shown = Original(approval_code=code, business_day=sale.business_day, amount_minor=10_000)
    numbered = Original(stan=sale.stan, local=sale.local, terminal_id="TPAY0002")
    assert ["25", "00", "21"] == [
        code_of(terminal, terminal.void(Kind.VOID, sale, original=original))
        for original in (Original(stan=sale.stan, local=sale.local), shown, numbered)
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"merchant_id": "ANOTHERSHOP0001"}, "03"),
        ({"amount": Amount(total_minor=10_010)}, "13"),
        ({"original": Original(stan="999999", local="20260314150926")}, "25"),
        ({"original": Original(approval_code="999999", business_day="20260314", amount_minor=10_000)}, "25"),
    ],
)
def test_a_void_that_does_not_fit_is_declined(
    terminal: Terminal, store: Store, change: dict[str, Any], code: str
) -> None:
    """Another merchant's, more than was paid, unknown: and the sale stands."""
    sale = paid(terminal, Kind.SALE)
    void = terminal.void(Kind.VOID, sale)
    fields = {name: getattr(void, name) for name in void.__struct_fields__} | change
    assert code == code_of(terminal, Financial(**fields))
    assert 10_000 == booked(store, sale).net_minor


def test_a_cash_receipt_keeps_no_number(terminal: Terminal, store: Store) -> None:
    """Purpose, four digits and an approval code; the reason of its void."""
    request = receipt(terminal)
    opened = terminal.ask(request).opened
    void = taking_back(terminal, request)
    terminal.ask(void)
    entry = booked(store, request)
    assert ("*******5432", "deduction", opened.approval_code, "mis_issue") == (
        entry.masked_pan, entry.detail, entry.approval_code, booked(store, void).detail,
    )  # fmt: skip


def test_a_cash_receipt_is_issued_to_a_card_to_a_business_and_to_nobody(terminal: Terminal) -> None:
    """Each by its own number."""
    purpose = CashReceiptPurpose
    assert ["00", "00", "00", "00"] == [
        code_of(terminal, request)
        for request in (
            terminal.request(Kind.CASH_RECEIPT, 10_000, purpose=purpose.DEDUCTION, **terminal.card()),
            receipt(terminal, purpose=purpose.EXPENSE, **terminal.keyed("1048658278")),
            receipt(terminal, purpose=purpose.SELF_ISSUE, **terminal.keyed("0100001234")),
            terminal.request(Kind.CASH_RECEIPT, 10_000, purpose=purpose.SELF_ISSUE),
        )
    ]


@pytest.mark.parametrize("number", ["12345", "0212345678", "4111111111111112"])
def test_a_cash_receipts_number_of_the_wrong_shape_is_declined(terminal: Terminal, number: str) -> None:
    """14."""
    assert "14" == code_of(terminal, receipt(terminal, **terminal.keyed(number)))


def test_a_number_under_another_terminals_key_is_refused(terminal: Terminal, store: Store) -> None:
    """63: only the terminal's own key speaks for it."""
    other = Terminal.of(store, "TPAY0002")
    before = len(store.sandbox.ledger())
    assert "63" == code_of(terminal, receipt(terminal, **other.keyed(PHONE)))
    assert "63" == code_of(terminal, receipt(terminal, **terminal.keyed(PHONE) | {"cipher": bytes(64)}))
    assert before == len(store.sandbox.ledger())


def test_a_balance_follows_the_account(terminal: Terminal) -> None:
    """Before, after a cash-IC sale, after its refund; nothing is booked as paid."""

    def balance() -> int:
        answer = terminal.ask(terminal.request(Kind.CASH_IC_BALANCE, None, **terminal.card(pin="1234")))
        assert ("00", True) == (answer.opened.response_code, answer.genuine)
        assert answer.opened.balance_minor is not None
        return answer.opened.balance_minor

    first = balance()
    sale = paid(terminal, Kind.CASH_IC_SALE)
    second = balance()
    terminal.ask(taking_back(terminal, sale))
    assert (10_000, 0) == (first - second, first - balance())


@pytest.mark.parametrize("pin", [None, "4321", "12345"])
@pytest.mark.parametrize(("kind", "total_minor"), [(Kind.CASH_IC_SALE, 10_000), (Kind.CASH_IC_BALANCE, None)])
def test_a_wrong_pin_is_declined(terminal: Terminal, kind: Kind, total_minor: int | None, pin: str | None) -> None:
    """55; no PIN is as bad."""
    assert "55" == code_of(terminal, terminal.request(kind, total_minor, **terminal.card(pin=pin)))


def test_a_card_of_the_sandboxs_list_has_its_own_pin(terminal: Terminal) -> None:
    """Of six digits, as UnionPay has it; 1234 is for cards of no list."""
    listed = "6250940000000001D49122010000"
    assert ["00", "55"] == [
        code_of(terminal, terminal.request(Kind.SALE, 10_000, **terminal.card(listed, pin=pin)))
        for pin in ("123456", "1234")
    ]


def test_a_pin_block_of_another_card_or_key_is_declined(terminal: Terminal) -> None:
    """A block is bound to its card and its KSN."""
    stolen = terminal.card("4111111111111111D30122010000", pin="1234")
    pin = {"pin_ksn": stolen["pin_ksn"], "pin_block": stolen["pin_block"]}
    other_ksn = terminal.card(pin="1234") | {"pin_ksn": stolen["pin_ksn"]}
    assert ["55", "55"] == [
        code_of(terminal, terminal.request(Kind.CASH_IC_SALE, 10_000, **card))
        for card in (terminal.card() | pin, other_ksn)
    ]


def test_an_account_without_funds_is_declined(terminal: Terminal) -> None:
    """51."""
    assert "51" == code_of(terminal, terminal.request(Kind.CASH_IC_SALE, 1_000_000_010, **terminal.card(pin="1234")))


def test_a_refund_needs_the_same_card(terminal: Terminal) -> None:
    """14 to another."""
    sale = paid(terminal, Kind.CASH_IC_SALE)
    another = terminal.card("4111111111111111D30122010000", pin="1234")
    assert "14" == code_of(terminal, terminal.void(Kind.CASH_IC_REFUND, sale, **another))


def test_an_unknown_wallet_is_declined(terminal: Terminal) -> None:
    """92."""
    keyed = terminal.keyed(CODE, EntryMode.BARCODE)
    assert "92" == code_of(terminal, terminal.request(Kind.SIMPLE_PAY, 10_000, provider="nobodypay", **keyed))


def test_a_long_code_travels(terminal: Terminal) -> None:
    """An EMV QR code of 512 characters."""
    keyed = terminal.keyed("hQVDUFYwMQ" + "A" * 502, EntryMode.BARCODE)
    assert "00" == code_of(terminal, terminal.request(Kind.SIMPLE_PAY, 10_000, provider="emv_qr", **keyed))


def test_unionpay_and_a_signature_travel(terminal: Terminal, store: Store) -> None:
    """The network is booked; with the largest signature the message still fits."""
    signature = pack_signature(b"BM" + bytes(1_084))
    sale = terminal.request(
        Kind.SALE, 60_000, network=CardNetwork.UNIONPAY, signature=signature, **terminal.card(pin="1234")
    )
    assert ("00", "unionpay") == (code_of(terminal, sale), booked(store, sale).detail)


@pytest.mark.parametrize("kind", PAYMENTS)
@pytest.mark.parametrize("mode", [HostMode.SILENT, HostMode.HANG_UP, HostMode.GARBLED])
def test_a_void_without_an_answer_is_booked_and_can_be_reversed(
    terminal: Terminal, store: Store, kind: Kind, mode: HostMode
) -> None:
    """Faults are ordered for one kind of request: its reversal is answered as it should be."""
    request = paid(terminal, kind)
    void = taking_back(terminal, request)
    store.sandbox.host(mode, only=HostRequest(void.kind.value))
    with pytest.raises(CallError) as caught:
        terminal.ask(void, 0.2)
    assert (Outcome.UNKNOWN, 0) == (caught.value.outcome, booked(store, request).net_minor)
    store.wait_ready("host_link", degraded=False)
    assert "00" == terminal.ask(terminal.reversal(void)).opened.response_code
    assert 10_000 == booked(store, request).net_minor


@pytest.mark.parametrize("kind", PAYMENTS)
@pytest.mark.parametrize("mode", [HostMode.TWICE, HostMode.SPLIT, HostMode.LATE])
def test_an_answer_may_come_twice_in_pieces_or_late(
    terminal: Terminal, store: Store, kind: Kind, mode: HostMode
) -> None:
    """It is one answer."""
    store.sandbox.host(mode, delay_ms=50, only=HostRequest(kind.value))
    request = paid(terminal, kind)
    assert 10_000 == booked(store, request).net_minor


@pytest.mark.parametrize("kind", PAYMENTS)
def test_a_decline_is_ordered_for_one_kind(terminal: Terminal, store: Store, kind: Kind) -> None:
    """Its void is declined with the code that was ordered; the other kinds are paid."""
    request = paid(terminal, kind)
    void = taking_back(terminal, request)
    store.sandbox.host(HostMode.DECLINE, code="05", only=HostRequest(void.kind.value))
    assert ("05", 10_000) == (code_of(terminal, void), booked(store, request).net_minor)
    paid(terminal, kind)


def test_no_file_of_the_instance_holds_a_number(terminal: Terminal, store: Store) -> None:
    """Cards, phones and codes: in no form."""
    for kind in PAYMENTS:
        paid(terminal, kind)
    assert [] == card_numbers_in(store.instance.home, {TRACK.partition("D")[0], PHONE, CODE})

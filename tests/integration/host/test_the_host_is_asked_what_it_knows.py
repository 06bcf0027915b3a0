"""Inquiry, reconciliation, opening and merchant download: over real TCP, through the host link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from tests.harness import Store
from tests.integration.host.conftest import BOTH
from tests.integration.host.terminal import MERCHANT_ID, Terminal, local_now
from tpayd.hosts import TELLS_NOTHING, HostTotals, Kind, MacedMessage, MerchantDownload, OpenTerminal, Original
from tpayd.kit.bus import CallError
from tpayd.kit.store_settings import load_store
from tpayd_contracts.errors import Outcome
from tpayd_contracts.sandbox import HostMode, HostRequest


@pytest.fixture(autouse=True)
def as_asked(store: Store) -> Iterator[None]:
    """No test leaves a misbehaving host to the next."""
    yield
    store.sandbox.host(HostMode.APPROVE)


def opening(terminal: Terminal, store: Store, **changes: str) -> OpenTerminal:
    fields = {"terminal_id": terminal.terminal_id, "business_number": store.plan.merchant.business_number} | changes
    return OpenTerminal(stan=terminal.stan(), local=local_now(), **fields)


def download(terminal: Terminal, store: Store, **changes: str) -> MerchantDownload:
    return MerchantDownload(**structs.asdict(opening(terminal, store, **changes)))


# Inquiry


def test_an_inquiry_finds_what_was_approved(terminal: Terminal) -> None:
    """With the approval code that the lost answer held, and what has been voided since."""
    sale = terminal.request(Kind.CASH_IC_SALE, 10_000, **terminal.card(pin="1234"))
    approved = terminal.ask(sale).opened
    terminal.ask(terminal.void(Kind.CASH_IC_REFUND, sale, 4_000, **terminal.card(pin="1234")))
    answer = terminal.ask(terminal.inquiry(sale))
    opened = answer.opened
    assert (True, "00", 10_000, approved.approval_code, approved.host_reference, 4_000) == (
        answer.genuine, opened.response_code, opened.amount_minor, opened.approval_code, opened.host_reference,
        opened.voided_minor,
    )  # fmt: skip


def test_an_inquiry_tells_a_decline_and_a_reversal(terminal: Terminal) -> None:
    """The decline's own code, and 12: neither stands."""
    declined = terminal.sale(10_051)
    reversed_sale = terminal.sale(10_000)
    for message in (declined, reversed_sale, terminal.reversal(reversed_sale)):
        terminal.ask(message)
    answers = [terminal.ask(terminal.inquiry(sale)).opened for sale in (declined, reversed_sale)]
    assert [("51", None), ("12", None)] == [(opened.response_code, opened.approval_code) for opened in answers]
    assert {"51", "12"}.isdisjoint(TELLS_NOTHING)


def test_a_sale_that_its_inquiry_overtook_is_refused(terminal: Terminal, store: Store) -> None:
    """25 to the inquiry is final: the sale that comes after it is not charged."""
    sale = terminal.request(Kind.CASH_IC_SALE, 10_000, **terminal.card(pin="1234"))
    codes = [terminal.ask(message).opened.response_code for message in (terminal.inquiry(sale), sale)]
    codes.append(terminal.ask(terminal.inquiry(sale)).opened.response_code)
    assert (["25", "12", "12"], 0) == (codes, store.sandbox.ledger()[-1].net_minor)


def test_a_receipt_names_what_is_inquired(terminal: Terminal) -> None:
    """Approval code, date and amount."""
    sale = terminal.sale(10_000)
    code = terminal.ask(sale).opened.approval_code
    shown = Original(approval_code=code, business_day=sale.business_day, amount_minor=10_000)
    opened = terminal.ask(structs.replace(terminal.inquiry(sale), original=shown)).opened
    assert ("00", code, None) == (opened.response_code, opened.approval_code, opened.original)


def test_an_inquiry_of_another_merchant_learns_nothing(terminal: Terminal) -> None:
    """03."""
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    strange = structs.replace(terminal.inquiry(sale), merchant_id="ANOTHERSHOP0001")
    assert ("03", None) == (terminal.ask(strange).opened.response_code, terminal.ask(strange).opened.approval_code)


@pytest.mark.parametrize("code", sorted(TELLS_NOTHING - {"63"}))
def test_a_host_may_not_know_now(terminal: Terminal, store: Store, code: str) -> None:
    """And knows when it is asked again."""
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    store.sandbox.host(HostMode.DECLINE, code=code, times=1, only=HostRequest.INQUIRY)
    assert [code, "00"] == [terminal.ask(terminal.inquiry(sale)).opened.response_code for _ in range(2)]


def test_a_forged_inquiry_learns_nothing(terminal: Terminal) -> None:
    """63, which says nothing of the original."""
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    raw = bytearray(terminal.sealed(terminal.inquiry(sale)))
    raw[-1] ^= 1
    opened = terminal.send(bytes(raw)).opened
    assert ("63", None) == (opened.response_code, opened.approval_code)


@pytest.mark.parametrize("mode", [HostMode.SILENT, HostMode.DEAF, HostMode.HANG_UP, HostMode.GARBLED])
def test_an_inquiry_may_get_no_answer_and_be_asked_again(terminal: Terminal, store: Store, mode: HostMode) -> None:
    """It changes nothing."""
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    store.sandbox.host(mode, times=1, only=HostRequest.INQUIRY)
    with pytest.raises(CallError) as caught:
        terminal.ask(terminal.inquiry(sale), 0.2)
    assert Outcome.UNKNOWN == caught.value.outcome
    store.wait_ready("host_link", degraded=False)
    assert "00" == terminal.ask(terminal.inquiry(sale)).opened.response_code


def test_a_reversal_is_declined_by_name_only(terminal: Terminal, store: Store) -> None:
    """A host that is to decline payments still takes them back; one that is to refuse reversals takes back nothing."""
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    store.sandbox.host(HostMode.DECLINE, code="96", only=HostRequest.REVERSAL)
    refused = terminal.ask(terminal.reversal(sale)).opened.response_code
    stands = store.sandbox.ledger()[-1].net_minor
    store.sandbox.host(HostMode.DECLINE, code="96")
    taken_back = terminal.ask(terminal.reversal(sale)).opened.response_code
    assert ("96", 10_000, "00", 0) == (refused, stands, taken_back, store.sandbox.ledger()[-1].net_minor)


# Reconciliation


def test_a_day_is_reconciled(store: Store) -> None:
    """00 where all numbers are equal; 95 and the host's own where one is not."""
    terminal = Terminal.of(store, "TPAY0002")
    sales = [terminal.sale(10_000), terminal.sale(20_000), terminal.sale(30_000)]
    void = terminal.void(Kind.VOID, sales[0])
    messages: list[MacedMessage] = [*sales, void, terminal.reversal(sales[2])]
    for message in messages:
        terminal.ask(message)
    own = HostTotals(
        sales_count=2, sales_minor=30_000, voids_count=1, voids_minor=10_000, reversals_count=1, reversals_minor=30_000
    )
    answers = [terminal.ask(terminal.reconciliation(told)) for told in (own, HostTotals(), own)]
    assert [(True, "00", own), (True, "95", own), (True, "00", own)] == [
        (answer.genuine, answer.opened.response_code, answer.opened.totals) for answer in answers
    ]


def test_a_reconciliation_may_get_no_answer_and_be_asked_again(terminal: Terminal, store: Store) -> None:
    """It closes nothing."""
    store.sandbox.host(HostMode.SILENT, times=1, only=HostRequest.RECONCILIATION)
    with pytest.raises(CallError):
        terminal.ask(terminal.reconciliation(HostTotals()), 0.2)
    assert "95" == terminal.ask(terminal.reconciliation(HostTotals(sales_count=9999))).opened.response_code


def test_a_forged_reconciliation_learns_no_totals(terminal: Terminal) -> None:
    """63, and nothing of the day."""
    raw = bytearray(terminal.sealed(terminal.reconciliation(HostTotals(sales_count=1))))
    raw[-1] ^= 1
    opened = terminal.send(bytes(raw)).opened
    assert ("63", HostTotals()) == (opened.response_code, opened.totals)


# Opening and merchant download


def test_terminals_are_opened_and_told_whose_they_are(terminal: Terminal, store: Store) -> None:
    """As many as are asked for, again and again; the merchant is the store's own."""
    before = store.sandbox.host_status().opened_terminals
    ids = [f"TPAY9{number:03d}" for number in range(26)]
    codes = {terminal.tell(opening(terminal, store, terminal_id=each)).response_code for each in (*ids, ids[0])}
    assert ({"00"}, before + 26) == (codes, store.sandbox.host_status().opened_terminals)
    merchant = terminal.tell(download(terminal, store)).merchant
    own = load_store(store.instance.settings_file("store")).merchant
    assert merchant is not None
    assert (MERCHANT_ID, own.business_number, own.name, own.address, own.tel, "모의대표") == (
        merchant.merchant_id, merchant.business_number, merchant.name, merchant.address, merchant.tel,
        merchant.representative,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"), [({"business_number": "1234567890"}, "03"), ({"terminal_id": "NOTMINE1"}, "58")]
)
def test_what_is_not_this_merchants_is_refused(
    terminal: Terminal, store: Store, change: dict[str, str], code: str
) -> None:
    """Another business number, another's terminal: nothing is opened, nothing told."""
    before = store.sandbox.host_status().opened_terminals
    answers = [
        terminal.tell(message) for message in (opening(terminal, store, **change), download(terminal, store, **change))
    ]
    assert [(code, None)] * 2 == [(opened.response_code, opened.merchant) for opened in answers]
    assert before == store.sandbox.host_status().opened_terminals


def test_faults_reach_an_opening_by_name_only(terminal: Terminal, store: Store) -> None:
    """A host that is to decline all payments still opens terminals, unless it is told to decline that."""
    store.sandbox.host(HostMode.DECLINE, code="96")
    codes = [terminal.tell(opening(terminal, store)).response_code]
    store.sandbox.host(HostMode.DECLINE, code="96", only=HostRequest.OPEN_TERMINAL)
    codes += [terminal.tell(message).response_code for message in (opening(terminal, store), download(terminal, store))]
    assert ["00", "96", "00"] == codes


def test_openings_survive_the_host(tmp_path: Path) -> None:
    """They are on the disk before they are answered."""
    with Store(tmp_path, services=BOTH, settings={"host_link": {"profiles.test.waits.retry_first_s": 0.1}}) as store:
        store.wait_ready(*BOTH, degraded=False)
        terminal = Terminal.of(store)
        terminal.tell(opening(terminal, store))
        store.restart("sandbox_host")
        store.wait_ready(*BOTH, degraded=False)
        assert 1 == store.sandbox.host_status().opened_terminals


def test_parts_are_refused_where_the_host_is_told_so(tmp_path: Path) -> None:
    """`partial_voids = false`: the whole or nothing."""
    settings: dict[str, dict[str, object]] = {
        "host_link": {"profiles.test.waits.retry_first_s": 0.1}, "sandbox_host": {"partial_voids": False},
    }  # fmt: skip
    with Store(tmp_path, services=BOTH, settings=settings) as store:
        store.wait_ready(*BOTH, degraded=False)
        terminal = Terminal.of(store)
        sale = terminal.sale(10_000)
        terminal.ask(sale)
        codes = [terminal.ask(terminal.void(Kind.VOID, sale, part)).opened.response_code for part in (4_000, 10_000)]
        assert ["13", "00"] == codes

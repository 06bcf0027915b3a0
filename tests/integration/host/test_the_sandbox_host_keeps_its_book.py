"""The sandbox's host checks what it is told, books it once, and remembers it."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import msgspec
import pytest

from tests.harness import Store, card_numbers_in
from tests.integration.host.conftest import BOTH
from tests.integration.host.terminal import ADAPTER, TRACK, Terminal
from tpayd.crypto.exchange import Role, begin
from tpayd.hosts import TerminalKeyExchange
from tpayd.sandbox.secrets import sandbox_transport_key
from tpayd_contracts.host import EXCHANGE, Exchange
from tpayd_contracts.sandbox import LedgerEntry


def last(store: Store) -> LedgerEntry:
    return store.sandbox.ledger()[-1]


def test_a_sale_is_booked_with_its_masked_card(terminal: Terminal, store: Store) -> None:
    """What the host tells is what the terminal sold."""
    sale = terminal.sale(12_340)
    opened = terminal.ask(sale).opened
    entry = last(store)
    assert LedgerEntry(
        number=entry.number, terminal_id=sale.terminal_id, stan=sale.stan, business_day=sale.business_day,
        amount_minor=12_340, net_minor=12_340, response_code="00", masked_pan="941012******7890",
        approval_code=opened.approval_code,
    ) == entry  # fmt: skip


def test_the_same_message_again_is_answered_without_a_second_booking(terminal: Terminal, store: Store) -> None:
    """Same STAN, terminal and business day: the same approval."""
    raw = terminal.sealed(terminal.sale(10_000))
    first, second = terminal.send(raw), terminal.send(raw)
    assert first.opened.approval_code == second.opened.approval_code
    assert 1 == sum(entry.stan == first.opened.stan for entry in store.sandbox.ledger())


def test_a_reversal_takes_a_sale_back_however_often_it_comes(terminal: Terminal, store: Store) -> None:
    """0420, then 0421: yes twice, net 0, one reversal counted."""
    before = store.sandbox.host_status().reversals
    sale = terminal.sale(10_000)
    terminal.ask(sale)
    reversal = terminal.reversal(sale)
    again = msgspec.structs.replace(reversal, repeat=True)
    answers = [terminal.ask(message) for message in (reversal, again)]
    assert [("00", "0430", True)] * 2 == [
        (each.opened.response_code, each.opened.mti, each.genuine) for each in answers
    ]
    assert (0, True, before + 1) == (
        last(store).net_minor, last(store).reversed, store.sandbox.host_status().reversals,
    )  # fmt: skip


def test_a_sale_that_its_reversal_overtook_is_refused(terminal: Terminal, store: Store) -> None:
    """25 to the reversal; 12 to the sale that comes after it; nobody pays."""
    sale = terminal.sale(10_000)
    codes = [terminal.ask(message).opened.response_code for message in (terminal.reversal(sale), sale)]
    assert (["25", "12"], 0) == (codes, last(store).net_minor)


@pytest.mark.parametrize("at", [47, -9, -1])
def test_a_changed_byte_is_found_by_its_mac(terminal: Terminal, store: Store, at: int) -> None:
    """In the time, in the tail, in the MAC itself: refused (63), and nothing booked."""
    before = len(store.sandbox.ledger())
    raw = bytearray(terminal.sealed(terminal.sale(10_000)))
    raw[at] ^= 1
    assert "63" == terminal.send(bytes(raw)).opened.response_code
    assert before == len(store.sandbox.ledger())


def test_a_terminal_cannot_speak_for_another(terminal: Terminal, store: Store) -> None:
    """A key belongs to the terminal that it was given to."""
    other = Terminal.of(store, "TPAY0002")
    sale = msgspec.structs.replace(other.sale(10_000), terminal_id="TPAY0001")
    assert "63" == other.ask(sale).opened.response_code
    assert "00" == terminal.ask(terminal.sale(10_000)).opened.response_code


def test_card_data_under_an_unknown_key_is_refused(terminal: Terminal) -> None:
    """A reader without a key of this host sells nothing."""
    sale = msgspec.structs.replace(terminal.sale(10_000), ksn=bytes(11) + b"\x01")
    assert "63" == terminal.ask(sale).opened.response_code


@pytest.mark.parametrize(
    ("track", "code"), [("4111111111111112D30122010000", "14"), ("4111111111111111D20012010000", "54")]
)
def test_a_bad_card_is_declined(terminal: Terminal, track: str, code: str) -> None:
    """A wrong check digit, an expired card."""
    assert code == terminal.ask(terminal.sale(10_000, track=track)).opened.response_code


def test_only_a_new_and_proven_key_exchange_gets_a_key(terminal: Terminal, store: Store) -> None:
    """Not rubbish, not an altered one, not the same one again."""

    def exchange(blob: bytes) -> str:
        message = TerminalKeyExchange(
            terminal_id="TPAY0001", stan=terminal.stan(), local=time.strftime("%Y%m%d%H%M%S"), blob=blob
        )
        body = Exchange("test", ADAPTER.encode_network(message), 5.0)
        opened = ADAPTER.open(store.ask("host_link", EXCHANGE, body, name="key_manager").message)
        assert opened.approved or not opened.key_blob
        return opened.response_code

    transport = sandbox_transport_key(Role.TERMINAL, "TPAY0001")
    request = begin(Role.TERMINAL, "TPAY0001", transport, time.time_ns()).request
    unproven = request[:-1] + bytes([request[-1] ^ 1])
    assert ["63", "63", "00", "63"] == [exchange(blob) for blob in (b"not a request", unproven, request, request)]


def test_a_killed_host_knows_everything_that_it_answered(tmp_path: Path) -> None:
    """Sales, reversals and keys are on the disk before the answer leaves."""
    with Store(tmp_path, services=BOTH, settings={"host_link": {"profiles.test.waits.retry_first_s": 0.1}}) as store:
        store.wait_ready(*BOTH, degraded=False)
        terminal = Terminal.of(store)
        sales = [terminal.sale(10_000 + number * 10) for number in range(5)]
        for sale in sales:
            terminal.ask(sale)
        store.restart("sandbox_host")
        store.wait_ready(*BOTH, degraded=False)
        assert [sale.total_minor for sale in sales] == [entry.net_minor for entry in store.sandbox.ledger()]
        assert "00" == terminal.ask(terminal.reversal(sales[0])).opened.response_code
        assert ("12", 5) == (terminal.ask(sales[0]).opened.response_code, len(store.sandbox.ledger()))


def test_no_file_of_the_instance_holds_the_card_number(terminal: Terminal, store: Store) -> None:
    """Neither the ledger, nor its journal, nor a log: in no form."""
    terminal.ask(terminal.sale(10_000))
    database = sqlite3.connect(store.instance.sandbox / "host.sqlite3")
    (entries,) = database.execute("SELECT count(*) FROM entry").fetchone()
    database.close()
    assert entries > 0
    assert [] == card_numbers_in(store.instance.home, {TRACK.partition("D")[0]})


def test_a_live_store_has_no_sandbox_host(tmp_path: Path) -> None:
    """It refuses to start, and says where the reason stands."""
    with Store(tmp_path, services=(), settings={"store": {"sandbox": False}}) as store:
        store.start("sandbox_host")
        assert 78 == store["sandbox_host"].exit_status()
        assert "store.toml: sandbox: is false" in store["sandbox_host"].output.read_text()

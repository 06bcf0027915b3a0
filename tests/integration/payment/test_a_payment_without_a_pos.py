"""Standalone payments: enabled, on behalf of a known merchant, told to no POS, and kept by nobody (T15)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Said, Store, tpayd
from tests.integration.payment.conftest import IMPATIENT
from tests.integration.payment.till import Till
from tpayd.cli.exits import Exit
from tpayd_client.types import Verdict

ENABLED = {"transaction": {**IMPATIENT["transaction"], "standalone": True, "duplicate_window_s": 300}}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("standalone"), lanes=2, readers=1, settings=ENABLED) as running:
        running.open_shop(card="visa-ic")
        said = tpayd("merchant", "download", "TPAY0001", "--json", home=running.instance.home)
        assert Exit.OK == said.status, said.out
        yield running


def run(store: Store, *words: str) -> Said:
    return tpayd(*words, home=store.instance.home)


def written(store: Store) -> bytes:
    """All that is on disk of the journal and the logs."""
    paths = [path for name in ("data", "log") for path in (store.instance.home / name).rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in paths)


def test_merchant_and_terminal_are_shown_before_paying(store: Store) -> None:
    """And somebody has to look at them, or say that they were looked at."""
    before = len(store.sandbox.ledger())

    unseen = run(store, "standalone", "sale", "--amount", "11000")
    seen = run(store, "standalone", "sale", "--amount", "11000", "--yes")

    assert Exit.USAGE == unseen.status
    assert "Sandbox Store" in unseen.out
    assert "TPAY0001" in unseen.out
    assert (Exit.OK, before + 1) == (seen.status, len(store.sandbox.ledger()))
    assert seen.out.index("Sandbox Store") < seen.out.index("PAID")


def test_the_slip_is_told_and_nothing_of_it_is_kept(store: Store) -> None:
    """The command shows card and approval; the journal never holds the card, and afterwards tells of no approval."""
    told = run(store, "standalone", "sale", "--amount", "12345", "--yes", "--json").json
    after = run(store, "payment", "status", told["request_id"], "--json").json

    assert "PAID" == told["verdict"]
    assert told["approval_code"]
    assert told["card"]["masked_pan"]
    assert ("PAID", "closed", None, None, None) == (
        after["verdict"], after["state"], after["approval_code"], after["card"], after["receipt"],
    )  # fmt: skip
    assert told["card"]["masked_pan"].encode() not in written(store)


def test_the_receipt_is_printed_once_and_then_never_again(store: Store) -> None:
    """With merchant, card and approval; afterwards there is none."""
    words = ("standalone", "sale", "--amount", "6543", "--yes", "--json")
    told = run(store, *words, "--receipt").json
    again = run(store, "payment", "receipt", told["request_id"], "--json")

    paper = "\n".join(told["lines"])
    for fact in ("Sandbox Store", "6,543", told["approval_code"], told["card"]["masked_pan"]):
        assert fact in paper
    assert (Exit.REFUSED, "not_found") == (again.status, again.json["error"]["code"])


def test_the_same_card_and_amount_again_is_asked_about(store: Store) -> None:
    """Nobody is there to answer in a pipe, so it is not paid twice."""
    first = run(store, "standalone", "sale", "--amount", "4321", "--yes")
    second = run(store, "standalone", "sale", "--amount", "4321", "--yes", "--json")

    assert (Exit.OK, Exit.NO) == (first.status, second.status)
    assert "duplicate" == second.json["reason"]


def test_no_pos_is_told(store: Store) -> None:
    """A POS that asks for its lane's last payment hears of its own."""
    with Till(store) as till:
        sold = till.sale(11_100)
        run(store, "standalone", "sale", "--amount", "5000", "--yes")

        assert sold.request_id == till.pos.last("1").request_id


def test_a_crash_before_the_slip_leaves_its_code_and_no_card(store: Store) -> None:
    """The verdict stands, and whoever made the payment can still ask for its approval code."""
    with Till(store) as till:
        request_id = "0b1f3a52-6a0e-4c2f-9a41-5d3c8e1b7f60"
        body = {"lane": "1", "amount": {"total_minor": 7_000}}
        told = till.pos.call("standalone.sale", body, key=request_id, ttl_s=30.0)
        store.restart("transaction")
        store.wait_ready("transaction", degraded=True)
        after = till.pos.resolve("1", request_id)

    assert (Verdict.PAID, told["approval_code"], None) == (after.verdict, after.approval_code, after.card)


def test_a_cash_receipt_keeps_no_number(store: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Not even its masked form."""
    file = tmp_path_factory.mktemp("number") / "phone"
    file.write_text("010-2345-6789\n")

    words = ("standalone", "cash-receipt", "--amount", "11000", "--purpose", "deduction", "--yes", "--json")
    said = run(store, *words, "--identity-file", str(file))

    assert (Exit.OK, "PAID") == (said.status, said.json["verdict"]), said.out
    kept = written(store)
    assert [] == [text for text in (b"01023456789", b"010*****789") if text in kept]


def test_a_lane_without_merchant_info_is_refused(store: Store) -> None:
    """Before anybody pays, with the command that downloads it."""
    said = run(store, "standalone", "sale", "--amount", "1000", "--lane", "2", "--yes", "--json")

    assert (Exit.REFUSED, "not_found") == (said.status, said.json["error"]["code"])
    assert "tpayd merchant download TPAY0002" in said.json["error"]["message"]


def test_a_till_may_not_pay_without_its_pos(store: Store) -> None:
    """It is for whoever runs the store: right admin."""
    key_file = run(store, "client", "add", "till-9", "--lane", "1", "--json").json["key_file"]

    said = run(store, "standalone", "sale", "--amount", "1000", "--yes", "--json", "--key-file", key_file)

    assert (Exit.REFUSED, "not_permitted") == (said.status, said.json["error"]["code"])


def test_a_declined_card_is_not_paid(store: Store) -> None:
    """Exit status 1, as of any sale."""
    run(store, "sandbox", "host", "decline", "--times", "1")

    assert Exit.NO == run(store, "standalone", "sale", "--amount", "1000", "--yes").status


def test_the_merchant_stands_on_receipts_of_the_terminal(store: Store) -> None:
    """As the host tells it; another lane's has what the settings say."""
    run(store, "sandbox", "reader", "reader-1", "--auto", "visa-ic")
    with Till(store) as till:
        sold = till.sale(3_000)

    merchant = run(store, "merchant", "list", "--json").json["merchants"][0]
    assert sold.receipt is not None
    assert (merchant["name"], merchant["business_number"]) == (sold.receipt.merchant_name, sold.receipt.business_number)

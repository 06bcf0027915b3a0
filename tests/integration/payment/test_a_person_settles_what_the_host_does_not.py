"""What the host never confirms is listed, settled by a person's word, and stands in the journal with it."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.integration.payment.till import Till, new_id
from tpayd_client import InvalidRequest, NotAllowed
from tpayd_client.errors import TpaydError
from tpayd_client.types import OwedReversal, SettledAs
from tpayd_contracts.sandbox import HostMode


def stuck(till: Till, amount: int) -> OwedReversal:
    """A payment whose reversal the host has answered six times, never so that it can be believed."""
    till.store.sandbox.host(HostMode.BAD_MAC)
    request_id = till.sale(amount).request_id

    def given_up() -> bool:
        return any(
            each.request_id == request_id and each.state == "needs_human"
            for each in till.pos.owed_reversals().reversals
        )

    eventually(given_up, timeout_s=20, what="a payment that needs a person")
    till.store.sandbox.host(HostMode.APPROVE)
    return next(each for each in till.pos.owed_reversals("1").reversals if each.request_id == request_id)


@pytest.fixture
def owed(till: Till) -> Iterator[OwedReversal]:
    """Settled in the end, whatever the test did."""
    found = stuck(till, 26_001)
    yield found
    if till.status(found.request_id).state == "needs_human":
        till.pos.settle("1", found.request_id, SettledAs.REVERSED, "end of the test")


def metric(till: Till, name: str) -> float:
    port = (till.store.instance.run / "transaction.metrics").read_text().strip().rsplit(":", 1)[-1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as page:
        found = re.search(rf"^tpayd_(?:transaction_)?{name}(?:{{[^}}]*}})? (\S+)$", page.read().decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_it_is_listed_until_it_is_settled(till: Till, owed: OwedReversal) -> None:
    """With all that the host's desk will ask; then it is REVERSED, and the alarm's number goes down."""
    assert ("1", 26_001, 6, "host_answer_refused") == (owed.lane, owed.amount_minor, owed.tries, owed.reason)
    assert None not in (owed.stan, owed.reversal_stan, owed.business_day)
    assert 1 == till.pos.owed_reversals().needs_human == metric(till, "needs_human")
    assert metric(till, "reversals_oldest_seconds") > 0
    settled = till.pos.settle("1", owed.request_id, SettledAs.REVERSED, "acquirer's desk, case 118")
    assert ("NOT_PAID", "reversed", False) == (settled.verdict, settled.state, settled.reversal_pending)
    assert () == till.pos.owed_reversals().reversals
    assert (0, 0) == (metric(till, "needs_human"), metric(till, "reversals_oldest_seconds"))


def test_what_stands_at_the_host_stays_not_paid_here(till: Till, owed: OwedReversal) -> None:
    """The POS was told so. The state says that it was charged, also after a restart, and the story says by whom."""
    till.pos.settle("1", owed.request_id, SettledAs.STANDS, "booked, says the acquirer")
    till.store.restart("transaction")
    till.store.wait_ready()
    found = till.status(owed.request_id)
    assert ("NOT_PAID", "charged", False) == (found.verdict, found.state, found.reversal_pending)
    step = till.pos.explain("1", owed.request_id).steps[-1]
    assert ("settled_by_hand", "person", "charged") == (step.event, step.share, step.state)
    assert "stands, by cli: booked, says the acquirer" in step.text


def test_it_is_still_to_be_settled_after_a_restart(till: Till, owed: OwedReversal) -> None:
    """Nothing is forgotten, and nothing is sent again by itself."""
    till.store.restart("transaction")
    till.store.wait_ready()
    again = next(each for each in till.pos.owed_reversals().reversals if each.request_id == owed.request_id)
    assert ("needs_human", owed.tries, owed.since_ms) == (again.state, again.tries, again.since_ms)


def test_a_word_counts_once(till: Till, owed: OwedReversal) -> None:
    """The same word again is answered again; another one is too late."""
    for _ in range(2):
        assert "reversed" == till.pos.settle("1", owed.request_id, SettledAs.REVERSED, "case 118").state
    with pytest.raises(TpaydError, match="settled by cli as reversed") as refused:
        till.pos.settle("1", owed.request_id, SettledAs.STANDS, "case 118")
    assert ("too_late", "failed") == (refused.value.code, refused.value.outcome)


def test_only_what_needs_a_person_is_settled_by_one(till: Till) -> None:
    """Not what is paid, and not what nobody knows."""
    paid = till.sale(26_002)
    with pytest.raises(TpaydError, match="is approved: only what needs a person") as refused:
        till.pos.settle("1", paid.request_id, SettledAs.REVERSED, "case 118")
    assert "too_late" == refused.value.code
    with pytest.raises(TpaydError, match="has to be settled") as missing:
        till.pos.settle("1", new_id(), SettledAs.REVERSED, "case 118")
    assert "not_found" == missing.value.code
    assert "PAID" == till.status(paid.request_id).verdict


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"note": ""}, "$.note"),
        ({"note": "x" * 201}, "$.note"),
        ({"note": "two\nlines"}, "$.note"),
        ({"note": "card 4111 1111 1111 1111 it was"}, "$.note"),
        ({"outcome": "maybe"}, "$.outcome"),
        ({"lane": "?"}, "$.lane"),
    ],
)
def test_a_wrong_word_is_refused_by_name(till: Till, change: dict[str, object], field: str) -> None:
    """A card number never gets into the journal."""
    body = {"lane": "1", "request_id": new_id(), "outcome": "reversed", "note": "case 118"} | change
    with pytest.raises(InvalidRequest) as refused:
        till.pos.call("reversal.settle", body)
    assert field == refused.value.field
    assert "4111" not in refused.value.message


def test_a_till_may_not_settle_nor_see_what_is_owed(till: Till, key_file: Path) -> None:
    """That is for the store's admin."""
    with till.store.client("till-1", key_file=key_file) as pos:
        for ask in (
            lambda: pos.owed_reversals("1"),
            lambda: pos.settle("1", new_id(), SettledAs.REVERSED, "case 118"),
        ):
            with pytest.raises(NotAllowed) as refused:
                ask()
            assert "not_permitted" == refused.value.code

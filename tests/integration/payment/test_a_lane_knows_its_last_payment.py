"""`payment.last`: a POS that lost everything but its lane learns what became of its newest payment."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.harness import eventually
from tests.integration.payment.till import Till, new_id
from tpayd_client import InvalidRequest, NotAllowed
from tpayd_client.errors import TpaydError


def test_it_is_the_newest_payment_of_this_lane(till: Till) -> None:
    """Not an older one, not another lane's."""
    request_ids = [new_id(), new_id()]
    for request_id in request_ids:
        till.sale(23_001, request_id=request_id)
    with Till(till.store, "2") as other:
        elsewhere = other.sale(23_002)
    last = till.pos.last("1")
    assert (request_ids[-1], "PAID", 23_001) == (last.request_id, last.verdict, last.amount and last.amount.total_minor)
    assert elsewhere.request_id == till.pos.last("2").request_id


def test_the_one_under_way_comes_first(till: Till) -> None:
    """With WAIT, and the time within which it ends; that shrinks."""
    till.sale(23_003)
    till.cards("")
    request_id = new_id()
    with Till(till.store) as busy:
        seller = threading.Thread(target=busy.sale, kwargs={"amount": 23_004, "request_id": request_id})
        seller.start()
        eventually(lambda: till.pos.last("1").request_id == request_id, timeout_s=10, what="the payment under way")
        waiting = till.pos.last("1")
        assert ("WAIT", True) == (waiting.verdict, waiting.known_in_ms is not None)
        limit_ms = (waiting.known_in_ms or 0) - 100
        eventually(lambda: (till.pos.last("1").known_in_ms or 0) < limit_ms, timeout_s=5, what="less time to wait for")
        till.pos.abort("1", request_id)
        seller.join(10)
    assert (request_id, "NOT_PAID") == (till.pos.last("1").request_id, till.pos.last("1").verdict)


def test_it_is_known_after_a_restart(till: Till) -> None:
    """From the journal; what was acknowledged since is no newer, nor an id that was only asked about."""
    older = till.sale(23_005)
    newest = till.sale(23_006)
    till.store.kill("transaction")
    till.store.start("transaction")
    till.store.wait_ready()
    till.pos.acknowledge("1", older.request_id)
    till.status(new_id())
    last = till.pos.last("1")
    assert (newest.request_id, "PAID", newest.approval_code) == (last.request_id, last.verdict, last.approval_code)


def test_a_request_that_is_sent_again_is_no_newer_payment(till: Till) -> None:
    """The old one is answered again; the newest stays the newest."""
    older = till.sale(23_007)
    newest = till.sale(23_008)
    till.sale(23_007, request_id=older.request_id)
    assert newest.request_id == till.pos.last("1").request_id


def test_a_lane_that_never_paid_is_told_so(till: Till) -> None:
    """Clearly, and nothing is buried."""
    with pytest.raises(TpaydError, match="lane 4 has never paid") as refused:
        till.pos.last("4")
    assert ("not_found", "not_started") == (refused.value.code, refused.value.outcome)


def test_a_lane_that_does_not_exist_is_named(till: Till) -> None:
    with pytest.raises(TpaydError, match="no lane 99") as refused:
        till.pos.last("99")
    assert ("not_found", "$.lane") == (refused.value.code, refused.value.field)


@pytest.mark.parametrize("lane", ["", "a b", "x" * 17])
def test_a_lane_of_impossible_shape_is_refused(till: Till, lane: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        till.pos.last(lane)
    assert "$.lane" == refused.value.field


def test_a_till_may_ask_for_its_own_lane_only(till: Till, key_file: Path) -> None:
    """For the last payment and for a story alike; a question about all lanes is not for it either."""
    sold = till.sale(23_009)
    with till.store.client("till-1", key_file=key_file) as pos:
        assert sold.request_id == pos.last("1").request_id
        assert sold.request_id == pos.explain("1").payment.request_id
        for ask in (lambda: pos.last("2"), lambda: pos.explain("2"), lambda: pos.explain(None, sold.request_id)):
            with pytest.raises(NotAllowed) as refused:
                ask()
            assert "lane_not_yours" == refused.value.code

"""`payment.explain`: what happened in a payment, whose share it was, and what the POS was told."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime

import pytest

from tests.harness import eventually
from tests.integration.payment.till import Till, new_id
from tpayd_client.errors import InvalidRequest, TpaydError
from tpayd_client.types import Story
from tpayd_contracts.sandbox import HostMode


def events(story: Story) -> list[str]:
    return [step.event for step in story.steps]


def test_a_sale_from_the_pos_to_the_acknowledgement(till: Till) -> None:
    """Every step in its order, each with its share; PAID is told once."""
    sold = till.sale(24_001)
    till.pos.acknowledge("1", sold.request_id)
    story = till.pos.explain("1", sold.request_id)
    assert ["created", "leased", "card_read", "sealed", "host_approved", "acknowledged"] == events(story)
    assert ["pos", "daemon", "customer", "daemon", "host", "pos"] == [step.share for step in story.steps]
    assert [None, None, None, None, "PAID", None] == [step.told for step in story.steps]
    assert ("closed", "PAID", True) == (story.payment.state, story.told, story.complete)
    assert story.acknowledged_at_ms is not None
    assert sold.approval_code is not None
    assert sold.approval_code in story.steps[4].text


def test_times_are_local_and_count_from_the_first_step(till: Till) -> None:
    """ISO 8601 with offset, to the millisecond."""
    sold = till.sale(24_002)
    story = till.pos.explain("1", sold.request_id)
    first = story.steps[0]
    for step in story.steps:
        at = datetime.fromisoformat(step.at)
        assert at.utcoffset() is not None
        assert step.at_ms == round(at.timestamp() * 1000)
        assert step.at_ms - first.at_ms == step.offset_ms
    assert sorted(step.number for step in story.steps) == [step.number for step in story.steps]


def test_a_reversal_is_told_with_its_tries(till: Till) -> None:
    """NOT_PAID is told when the reversal is owed, not when it is done."""
    till.store.sandbox.host(HostMode.SILENT, times=2)
    sold = till.sale(24_003)
    till.settled(sold.request_id)
    story = till.pos.explain("1", sold.request_id)
    assert ["host_unknown", "reversal_sealed", "reversal_unanswered", "reversal_answered"] == events(story)[4:8]
    assert "NOT_PAID" == story.steps[4].told
    assert 1 == story.reversal_tries
    assert "reversed" == story.steps[-1].state


def test_a_restart_belongs_to_the_story(till: Till) -> None:
    """And how far the payment had come by then."""
    till.store.sandbox.host(HostMode.SILENT, times=1)
    request_id = new_id()
    with Till(till.store) as seller:
        selling = threading.Thread(target=seller.sale, kwargs={"amount": 24_004, "request_id": request_id})
        selling.start()
        host = till.store.sandbox.host_status
        eventually(lambda: host().behaviour.mode == HostMode.APPROVE, timeout_s=10, what="the request at the host")
        till.store.restart("transaction")
        selling.join(20)
    till.settled(request_id)
    story = till.pos.explain("1", request_id)
    assert ["sealed", "restarted", "unheard"] == events(story)[3:6]
    assert {"asked", "reversal_answered"} <= set(events(story)[6:])
    assert "it stood at sending" in story.steps[4].text
    assert ("NOT_PAID", "reversed") == (story.told, story.steps[-1].state)


def test_it_is_found_by_its_own_id_and_without_the_lane(till: Till) -> None:
    """For a client of all lanes."""
    sold = till.sale(24_005)
    assert sold.payment_id is not None
    asked = [
        till.pos.explain("1", payment_id=sold.payment_id),
        till.pos.explain(None, payment_id=sold.payment_id),
        till.pos.explain(None, sold.request_id),
        till.pos.explain("1"),
    ]
    assert [sold.request_id] * 4 == [story.payment.request_id for story in asked]


def test_purged_details_are_said_to_be_gone(till: Till) -> None:
    """What happened, and when, stays; the verdict that was told is known from the payment's last value.

    A reader that was got together with its card is in that event's details, so it goes with them.
    """
    sold = till.sale(24_006)
    till.pos.acknowledge("1", sold.request_id)
    with sqlite3.connect(till.store.instance.data / "journal.sqlite3", timeout=10) as journal:
        journal.execute("update events set payload = null where payment_id = ?", (sold.payment_id,))
    story = till.pos.explain("1", sold.request_id)
    kept = [event for event in events(story) if event != "leased"]
    assert ["created", "card_read", "sealed", "host_approved", "acknowledged"] == kept
    assert {True} == {step.purged for step in story.steps}
    assert {None} == {step.state for step in story.steps}
    assert ("PAID", sold.approval_code) == (story.told, story.payment.approval_code)


def test_an_unknown_payment_is_not_found_and_not_buried(till: Till) -> None:
    """A sale under that id can still be made."""
    request_id = new_id()
    for lane, names in (("1", (request_id, None)), (None, (request_id, None)), (None, (None, request_id))):
        with pytest.raises(TpaydError) as refused:
            till.pos.explain(lane, names[0], payment_id=names[1])
        assert "not_found" == refused.value.code
    assert "PAID" == till.sale(24_007, request_id=request_id).verdict


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"lane": "1", "request_id": "17"}, "$.request_id"),
        ({"lane": "1", "payment_id": "p-17"}, "$.payment_id"),
        ({}, None),
        ({"lane": "1", "request_id": new_id(), "payment_id": new_id()}, None),
        ({"lane": "1", "last": True}, "$"),
    ],
)
def test_a_wrong_question_is_refused_by_name(till: Till, body: dict[str, object], field: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        till.pos.call("payment.explain", body)
    assert "invalid_body" == refused.value.code
    assert field is None or (refused.value.field or "").startswith(field)

"""One request id, one payment: sent again it gives the same answer, whatever restarted in between."""

from __future__ import annotations

import pytest

from tests.harness import Store
from tests.integration.payment.till import Till, new_id
from tpayd_client import InvalidRequest


def sales_of(store: Store, amount: int) -> int:
    return sum(entry.amount_minor == amount for entry in store.sandbox.ledger())


def test_the_same_request_again_is_answered_from_memory(till: Till) -> None:
    """And says that it is repeated."""
    request_id = new_id()
    first, second = (till.sale(21_001, request_id=request_id) for _ in range(2))
    assert (False, True) == (first.repeated, second.repeated)
    assert (first.approval_code, "PAID") == (second.approval_code, second.verdict)
    assert 1 == sales_of(till.store, 21_001)


def test_the_same_request_after_a_restart_is_answered_from_disk(till: Till) -> None:
    """The journal remembers what memory forgot."""
    request_id = new_id()
    first = till.sale(21_002, request_id=request_id)
    till.store.restart("transaction")
    till.store.wait_ready()
    second = till.sale(21_002, request_id=request_id)
    assert (first.approval_code, True) == (second.approval_code, second.repeated)
    assert 1 == sales_of(till.store, 21_002)


def test_another_body_under_the_same_id_is_refused(till: Till) -> None:
    """Naming the key, before anything starts."""
    request_id = new_id()
    till.sale(21_003, request_id=request_id)
    with pytest.raises(InvalidRequest) as refused:
        till.sale(21_004, request_id=request_id)
    assert ("key_conflict", "not_started", "key") == (
        refused.value.code,
        refused.value.outcome,
        refused.value.field,
    )
    assert 0 == sales_of(till.store, 21_004)


def test_an_id_that_was_asked_about_first_can_never_be_charged(till: Till) -> None:
    """A status query that overtakes its sale buries the id."""
    request_id = new_id()
    asked = till.status(request_id)
    late = till.sale(21_005, request_id=request_id)
    assert ("NOT_PAID", "never_seen") == (asked.verdict, asked.reason)
    assert ("NOT_PAID", "never_seen") == (late.verdict, late.reason)
    assert 0 == sales_of(till.store, 21_005)


def test_a_buried_id_stays_buried_after_a_restart(till: Till) -> None:
    """'Not found' was answered only once it was on disk."""
    request_id = new_id()
    till.status(request_id)
    till.store.restart("transaction")
    till.store.wait_ready()
    late = till.sale(21_006, request_id=request_id)
    assert ("NOT_PAID", "never_seen") == (late.verdict, late.reason)
    assert 0 == sales_of(till.store, 21_006)

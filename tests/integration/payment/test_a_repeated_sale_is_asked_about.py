"""The same card, amount and lane within a few minutes: the cashier says whether it is meant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.integration.payment.conftest import IMPATIENT
from tests.integration.payment.till import Till, new_id
from tpayd_client import PaymentProgress, TpaydError
from tpayd_client.types import PaymentResult, Step

ASKING = {"transaction": IMPATIENT["transaction"] | {"duplicate_window_s": 300.0, "confirm_wait_s": 2.0}}


@pytest.fixture(scope="module")
def careful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("careful"), lanes=2, readers=1, settings=ASKING) as running:
        running.open_shop(card="visa-tap")
        yield running


@pytest.fixture
def till(careful: Store) -> Iterator[Till]:
    with Till(careful) as opened:
        yield opened


def sale(till: Till, amount: int, answer: bool | None) -> tuple[PaymentResult, list[str | None]]:
    """A sale whose question is answered so, and which earlier payments it asked about."""
    request_id, twins = new_id(), list[str | None]()

    def step(progress: PaymentProgress) -> None:
        if progress.step == Step.CONFIRM_DUPLICATE:
            twins.append(progress.twin)
            if answer is not None:
                till.pos.confirm("1", request_id, proceed=answer)

    result = till.pos.sale("1", amount, request_id=request_id, on_progress=step, timeout_s=30)
    return result, twins


def test_a_repeat_that_is_meant_is_paid(till: Till) -> None:
    """The question names the earlier payment."""
    first, unasked = sale(till, 61_001, answer=None)
    second, asked = sale(till, 61_001, answer=True)
    assert ("PAID", []) == (first.verdict, unasked)
    assert ("PAID", [first.request_id]) == (second.verdict, asked)


@pytest.mark.parametrize("answer", [False, None])
def test_a_repeat_that_is_not_meant_is_not_paid(till: Till, answer: bool | None) -> None:
    """Neither is one about which nobody says anything; the host hears of neither."""
    amount = 61_002 if answer is None else 61_003
    sale(till, amount, answer=None)
    second, asked = sale(till, amount, answer)
    assert ("NOT_PAID", "duplicate", 1) == (second.verdict, second.reason, len(asked))
    assert till.booked(second) is None


def test_another_amount_is_no_repeat(till: Till) -> None:
    """And another lane is none."""
    sale(till, 61_004, answer=None)
    other, unasked = sale(till, 61_005, answer=None)
    elsewhere = till.pos.sale("2", 61_004, timeout_s=30)
    assert ("PAID", [], "PAID") == (other.verdict, unasked, elsewhere.verdict)


def test_a_restart_forgets_no_payment_that_was_just_made(till: Till) -> None:
    """That is when a cashier is most likely to try again."""
    first, _ = sale(till, 61_006, answer=None)
    till.store.restart("transaction")
    till.store.wait_ready("transaction")
    _, asked = sale(till, 61_006, answer=False)
    assert [first.request_id] == asked


def test_an_answer_that_nobody_asked_for_is_too_late(till: Till) -> None:
    """Nothing is decided by it."""
    paid, _ = sale(till, 61_007, answer=None)
    with pytest.raises(TpaydError) as refused:
        till.pos.confirm("1", paid.request_id, proceed=True)
    assert "too_late" == refused.value.code

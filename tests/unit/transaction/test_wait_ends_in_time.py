"""WAIT says within what time it ends: the most that the settings allow for what is left, less what has passed."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.transaction.samples import CASH_IC, payment_in
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.verdict import VERDICTS
from tpayd.transaction.waits import LEAST_MS, Waits
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Verdict

WAITING = [state for state in S if VERDICTS[state] is Verdict.WAIT]
SETTINGS = TransactionSettings(log_level="info")
WAITS = Waits(SETTINGS)


@pytest.mark.parametrize("state", WAITING)
def test_it_shrinks_as_time_passes(state: S) -> None:
    """Second by second, and never to nothing: a step that is late is asked about again soon."""
    payment = payment_in(state)
    whole_ms = WAITS.left_ms(payment, 0)
    assert whole_ms - 7_000 == WAITS.left_ms(payment, 7_000)
    assert LEAST_MS == WAITS.left_ms(payment, whole_ms + 1)


def test_a_payment_that_is_further_has_less_to_wait_for() -> None:
    """Along the way to the host."""
    way = [WAITS.left_ms(payment_in(state), 0) for state in (S.CREATED, S.LEASED, S.CARD_READ, S.SENDING, S.AUTHORIZED)]
    assert sorted(way, reverse=True) == way
    assert len(set(way)) == len(way)


def test_it_follows_the_settings() -> None:
    """A host that may take longer makes the wait longer by as much."""
    patient = Waits(TransactionSettings(log_level="info", answer_wait_s=SETTINGS.answer_wait_s + 10))
    for state in (S.CREATED, S.CARD_READ, S.SENDING):
        payment = payment_in(state)
        assert WAITS.left_ms(payment, 0) + 10_000 == patient.left_ms(payment, 0)


def test_lost_readers_are_not_waited_for_again() -> None:
    """Each that was lost is one turn less."""
    fresh = payment_in(S.CREATED)
    assert WAITS.left_ms(replace(fresh, lost_readers=("r1",)), 0) < WAITS.left_ms(fresh, 0)


def test_a_payment_that_is_inquired_may_take_longer() -> None:
    """From SENDING on, since nobody knows yet whether it will be."""
    sale, cash_ic = payment_in(S.SENDING), payment_in(S.SENDING, order=CASH_IC)
    assert WAITS.left_ms(cash_ic, 0) - WAITS.left_ms(sale, 0) >= SETTINGS.inquiry_limit_s * 1000


def test_what_is_decided_waits_for_the_disk_alone() -> None:
    """Until then it is WAIT for whoever asks."""
    assert WAITS.left_ms(payment_in(S.APPROVED), 0) == 10_000

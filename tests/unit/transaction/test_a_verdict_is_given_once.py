"""NOT PAID never becomes PAID, and PAID becomes NOT PAID for one stated reason only."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.transaction.samples import CARD, EVENTS, NOW_MS, payment_in, steps
from tpayd.kit.store_settings import Merchant
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.effects import Alarm
from tpayd.transaction.verdict import VERDICTS, result_of
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason, Verdict

MERCHANT = Merchant(id="MERCHANT0000001", name="Store", business_number="1048658278")


def test_every_state_has_one_verdict() -> None:
    """The table has no hole."""
    assert set(S) == set(VERDICTS)


def test_not_paid_never_becomes_paid() -> None:
    """What comes late revives nothing."""
    revived = [
        (before.state, type(event).__name__)
        for before, event, (after, _) in steps()
        if VERDICTS[before.state] == Verdict.NOT_PAID and VERDICTS[after.state] != Verdict.NOT_PAID
    ]
    assert revived == []


def test_paid_is_taken_back_only_before_it_is_known() -> None:
    """An approval that could not be recorded, or (by setting) that no POS acknowledged: out of APPROVED alone."""
    lost = {
        (before.state, type(event))
        for before, event, (after, _) in steps()
        if VERDICTS[before.state] == Verdict.PAID and VERDICTS[after.state] != Verdict.PAID
    }
    assert {(S.APPROVED, ev.CommitFailed), (S.APPROVED, ev.LeftUnacknowledged)} == lost


@pytest.mark.parametrize("state", [S.UNKNOWN, S.REVERSING, S.REVERSED, S.ABORTED, S.DECLINED, S.NEEDS_HUMAN, S.CHARGED])
def test_a_late_approval_has_no_row(state: S) -> None:
    """The first durable step wins."""
    late = ev.HostApproved("00", "123456", NOW_MS, 1)
    with pytest.raises(flow.NotInTableError, match="HostApproved has no row"):
        flow.step(payment_in(state), late, NOW_MS)


@pytest.mark.parametrize("state", list(S))
def test_an_abort_is_granted_until_the_request_goes_out(state: S) -> None:
    """And too late after."""
    granted = state in (S.CREATED, S.LEASED, S.CARD_READ)
    assert granted == flow.has_row(payment_in(state), ev.AbortAsked)
    assert granted == flow.has_row(payment_in(state), ev.PosGone)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (S.CREATED, S.ABORTED),
        (S.LEASED, S.ABORTED),
        (S.CARD_READ, S.ABORTED),
        (S.SENDING, S.UNKNOWN),
        (S.INQUIRING, S.INQUIRING),
        (S.AUTHORIZED, S.REVERSING),
        (S.UNKNOWN, S.UNKNOWN),
        (S.REVERSING, S.REVERSING),
    ],
)
def test_a_restart_knows_what_each_state_means(state: S, expected: S) -> None:
    """Before SENDING: never charged. From it on: taken back."""
    after, _ = flow.step(payment_in(state), ev.Restarted(), NOW_MS)
    assert expected == after.state


def test_a_decided_payment_looks_undecided_until_it_may_be_told() -> None:
    """A status query between approval and disk hears WAIT."""
    hidden = result_of(payment_in(S.APPROVED), MERCHANT, told=False)
    assert (Verdict.WAIT, S.SENDING, None) == (hidden.verdict, hidden.state, hidden.approval_code)
    assert Reason.IN_PROGRESS == hidden.reason


def test_six_unanswered_reversals_call_for_a_person() -> None:
    """And the cashier's verdict stays NOT PAID."""
    after, _ = flow.step(payment_in(S.REVERSING, tries=5), ev.ReversalUnanswered("silence"), NOW_MS)
    assert S.NEEDS_HUMAN == after.state
    assert Verdict.NOT_PAID == VERDICTS[after.state]


def test_a_reversal_that_can_never_be_sent_calls_for_a_person() -> None:
    """Without a single try."""
    after, effects = flow.step(payment_in(S.REVERSING), ev.ReversalImpossible("its key is gone"), NOW_MS)
    assert after.reversal is not None
    assert (S.NEEDS_HUMAN, 0, True) == (after.state, after.reversal.tries, Alarm.NEEDS_HUMAN in effects)


def test_what_the_host_said_to_a_reversal_is_kept() -> None:
    """For the person who has to ask its desk: a later silence does not cover it."""
    refused, _ = flow.step(payment_in(S.REVERSING, tries=4), ev.ReversalUnanswered("it refused", "05"), NOW_MS)
    after, _ = flow.step(refused, ev.ReversalUnanswered("silence"), NOW_MS)
    assert after.reversal is not None
    assert (S.NEEDS_HUMAN, "05") == (after.state, after.reversal.response_code)


def test_a_third_lost_reader_ends_the_payment() -> None:
    """Two are replaced before."""
    payment = payment_in(S.CREATED)
    for expected in (S.CREATED, S.CREATED, S.ABORTED):
        payment, _ = flow.step(payment, ev.Leased("r1", "A"), NOW_MS)
        payment, _ = flow.step(payment, ev.ReaderLost("r1"), NOW_MS)
        assert expected == payment.state


def test_a_card_that_lay_there_already_leaves_the_payment_where_a_wait_would() -> None:
    """The reader and the card in one event, or in two: the same payment, and the same to be done next."""
    read = ev.CardRead(CARD, chip=True, customer_us=0, reader_us=3_000)
    leased, _ = flow.step(payment_in(S.CREATED), ev.Leased("r1", "counter A"), NOW_MS)
    both = replace(read, reader="r1", reader_label="counter A")
    assert flow.step(leased, read, NOW_MS) == flow.step(payment_in(S.CREATED), both, NOW_MS)


def test_the_samples_cover_every_row() -> None:
    """So that the tests above see the whole table."""
    assert {kind for _, kind in flow.ROWS} <= {type(event) for event in EVENTS}

"""A request is on disk before its first byte leaves, and a verdict before the POS hears it."""

from __future__ import annotations

import pytest

from tests.unit.transaction.samples import BALANCE, CASH_IC, CLAIM, NOW_MS, VOID, payment_in, run, steps
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.effects import (
    Commit,
    CompleteCard,
    Inquire,
    MarkOriginal,
    Reverse,
    TellPos,
    Transmit,
    UnmarkOriginal,
)
from tpayd_contracts.payment import PaymentState as S
from tpayd_contracts.payment import Reason


def test_every_transmit_stands_behind_a_commit() -> None:
    """No row sends what is not on disk."""
    sending = [effects for _, _, (_, effects) in steps() if Transmit() in effects]
    assert sending
    assert [effects for effects in sending if Commit() not in effects[: effects.index(Transmit())]] == []


def test_every_verdict_is_on_disk_before_it_is_told() -> None:
    """The POS hears nothing that a crash could undo; that the disk fails is told all the same."""
    told = [
        (before.state, event, effects)
        for before, event, (_, effects) in steps()
        if TellPos() in effects and not isinstance(event, ev.CommitFailed)
    ]
    assert told
    assert [row for row in told if Commit() not in row[2][: row[2].index(TellPos())]] == []


def test_a_reversal_is_owed_on_disk_before_the_pos_is_told() -> None:
    """UNKNOWN is never 'failed'."""
    _, effects = flow.step(payment_in(S.SENDING), ev.HostUnknown(Reason.HOST_SILENT, "silence", 1), NOW_MS)
    assert [Commit(), Reverse(), TellPos()] == [
        effect for effect in effects if effect in (Commit(), Reverse(), TellPos())
    ]


def test_a_chip_card_has_the_last_word_and_others_have_none() -> None:
    """Contactless and stripe skip AUTHORIZED."""
    yes = ev.HostApproved("00", "123456", NOW_MS, 1)
    chip, after_chip = flow.step(payment_in(S.SENDING, chip=True), yes, NOW_MS)
    tap, after_tap = flow.step(payment_in(S.SENDING, chip=False), yes, NOW_MS)
    assert (S.AUTHORIZED, (CompleteCard(approved=True),)) == (chip.state, after_chip)
    assert S.APPROVED == tap.state
    assert CompleteCard(approved=True) not in after_tap


def test_an_approval_that_cannot_be_recorded_is_reversed() -> None:
    """After a crash it would be reversed, so it must be now: the POS never hears PAID without a record."""
    approved = payment_in(S.APPROVED)
    after, effects = flow.step(approved, ev.CommitFailed(), NOW_MS)
    assert S.REVERSING == after.state
    assert Reverse() in effects


def test_a_void_marks_its_original_in_the_commit_of_its_approval() -> None:
    """Neither is on disk without the other, and neither is told before."""
    approved, effects = flow.step(
        payment_in(S.SENDING, chip=False, order=VOID, claim=CLAIM), ev.HostApproved("00", "654321", NOW_MS, 1), NOW_MS
    )
    assert S.APPROVED == approved.state
    assert (MarkOriginal(), Commit(), TellPos()) == effects[:3]


def test_a_void_that_cannot_be_recorded_gives_its_original_back() -> None:
    """It is reversed, so the sale stands."""
    after, effects = flow.step(payment_in(S.APPROVED, order=VOID, claim=CLAIM), ev.CommitFailed(), NOW_MS)
    assert S.REVERSING == after.state
    assert UnmarkOriginal() == effects[0]


def test_a_cash_ic_payment_without_an_answer_is_inquired_and_not_told() -> None:
    """It is neither sent again nor reversed while nobody knows what became of it."""
    unknown = ev.HostUnknown(Reason.HOST_SILENT, "silence", 1)
    after, effects = flow.step(payment_in(S.SENDING, chip=False, order=CASH_IC), unknown, NOW_MS)
    assert S.INQUIRING == after.state
    assert Inquire() in effects
    assert {TellPos(), Reverse(), Transmit()}.isdisjoint(effects)


def test_an_inquiry_that_comes_to_nothing_ends_in_a_reversal() -> None:
    """WAIT has an end."""
    after, effects = flow.step(payment_in(S.INQUIRING, order=CASH_IC), ev.InquiryGivenUp(), NOW_MS)
    assert S.REVERSING == after.state
    assert [Commit(), Reverse(), TellPos()] == [
        effect for effect in effects if effect in (Commit(), Reverse(), TellPos())
    ]


def test_a_balance_without_an_answer_owes_nothing() -> None:
    """No money was to move."""
    unknown = ev.HostUnknown(Reason.HOST_SILENT, "silence", 1)
    after, effects = flow.step(payment_in(S.SENDING, chip=False, order=BALANCE), unknown, NOW_MS)
    assert S.ABORTED == after.state
    assert Reverse() not in effects


def test_a_balance_that_cannot_be_recorded_owes_nothing_either() -> None:
    """There is nothing that a reversal could take back."""
    after, effects = flow.step(payment_in(S.APPROVED, chip=False, order=BALANCE), ev.CommitFailed(), NOW_MS)
    assert S.ABORTED == after.state
    assert Reverse() not in effects


@pytest.mark.parametrize("reason", [Reason.HOST_SILENT, Reason.HOST_ANSWER_REFUSED])
def test_an_unknown_outcome_is_taken_back_until_the_host_has_said_so(reason: Reason) -> None:
    """UNKNOWN → REVERSING → REVERSED."""
    after = run(
        payment_in(S.SENDING),
        ev.HostUnknown(reason, "?", 1),
        ev.ReversalSealed("000002", "20260922120030", "20260922"),
        ev.ReversalUnanswered("silence"),
        ev.ReversalAnswered("00", settled=True),
    )
    assert S.REVERSED == after.state
    assert after.reversal is not None
    assert (1, "000002") == (after.reversal.tries, after.reversal.stan)

"""The flow of a payment, fed with answers: it ends with a verdict or a typed error, and never charges twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd_client.errors import Failed, NotAllowed, NotNow, OutcomeUnknown, TpaydError, error_from
from tpayd_client.flows import RETRY_EVERY_S, Ask, Begin, Course, End, Pause, pay
from tpayd_client.types import ErrorBody, ErrorCode, Outcome, PaymentResult, Verdict

ID = "3f0c2a52-6a0e-4c2f-9a41-5d3c8e1b7f60"
TIMEOUT_S = 60.0


def answer(verdict: str, **more: Any) -> dict[str, Any]:
    state = {"PAID": "approved", "NOT_PAID": "aborted", "WAIT": "sending"}[verdict]
    return {
        "lane": "1", "request_id": ID, "verdict": verdict, "state": state, "message": "", "message_ko": "", **more,
    }  # fmt: skip


def error(code: str, outcome: str, *, retryable: bool = False, retry_after_ms: int | None = None) -> TpaydError:
    return error_from(ErrorBody(ErrorCode(code), "…", Outcome(outcome), retryable, retry_after_ms=retry_after_ms))


PAID, NOT_PAID, WAIT = answer("PAID"), answer("NOT_PAID"), answer("WAIT", known_in_ms=500)
LOST = error("peer_lost", "unknown")
TIMED_OUT = error("timeout", "unknown")
NO_SESSION = error("hello_required", "not_started", retryable=True)
BUSY = error("busy", "not_started", retryable=True)
AWAY = error("unavailable", "not_started", retryable=True)
REMOVED = error("not_permitted", "not_started")


class Play:
    """Carries a flow out against a list of answers; the last one is given for ever. Time is what waits take."""

    def __init__(self, *answers: dict[str, Any] | TpaydError, answer_s: float = 0.01) -> None:
        self.now_s = 0.0
        self.asked: list[Ask] = []
        self.wishes: list[object] = []
        self._answers: Iterator[dict[str, Any] | TpaydError] = iter(answers)
        self._last = answers[-1]
        self._answer_s = answer_s

    def run(self) -> PaymentResult:
        flow = pay(
            "payment.sale", "1", ID, {"lane": "1"}, timeout_s=TIMEOUT_S, on_progress=None, clock_s=lambda: self.now_s
        )
        with Course(flow) as course:
            while course.wish is not None:
                wish = course.wish
                self.wishes.append(wish)
                if isinstance(wish, Pause):
                    self.now_s += wish.seconds
                if not isinstance(wish, Ask):
                    course.give(None)
                    continue
                self.asked.append(wish)
                self.now_s += self._answer_s
                given_answer = next(self._answers, self._last)
                if isinstance(given_answer, TpaydError):
                    course.fail(given_answer)
                else:
                    course.give(given_answer)
            return course.value

    @property
    def ops(self) -> list[str]:
        return [ask.op.removeprefix("payment.") for ask in self.asked]

    @property
    def ended(self) -> list[str]:
        return [wish.verdict for wish in self.wishes if isinstance(wish, End)]


@pytest.mark.parametrize(
    ("what", "answers", "ops", "verdict"),
    [
        ("the good case", [PAID], ["sale"], "PAID"),
        ("declined", [NOT_PAID], ["sale"], "NOT_PAID"),
        ("a restart before it was taken", [NO_SESSION, PAID], ["sale", "sale"], "PAID"),
        ("overload, then room", [BUSY, BUSY, PAID], ["sale", "sale", "sale"], "PAID"),
        ("the service behind starts", [AWAY, AWAY, PAID], ["sale", "sale", "sale"], "PAID"),
        ("lost, then known", [LOST, PAID], ["sale", "status"], "PAID"),
        ("lost, then under way, then known", [LOST, WAIT, WAIT, NOT_PAID], ["sale", *["status"] * 3], "NOT_PAID"),
        ("timed out, then never seen", [TIMED_OUT, NOT_PAID], ["sale", "status"], "NOT_PAID"),
        ("lost, and nobody answers for a while", [LOST, AWAY, LOST, AWAY, PAID], ["sale", *["status"] * 4], "PAID"),
        ("still under way", [WAIT, WAIT, PAID], ["sale", "status", "status"], "PAID"),
        ("lost, then a new session", [LOST, NO_SESSION, PAID], ["sale", "status", "status"], "PAID"),
    ],
)
def test_a_verdict(what: str, answers: list[Any], ops: list[str], verdict: str) -> None:
    """What was sent, in order, and what came of it."""
    play = Play(*answers)
    result = play.run()
    assert (ops, verdict, [verdict]) == (play.ops, result.verdict, play.ended)


@pytest.mark.parametrize(
    ("what", "answers", "kind", "ended"),
    [
        ("refused for good", [REMOVED], NotAllowed, ["not_started"]),
        ("the lane is taken", [error("lane_busy", "not_started", retryable=True)], NotNow, ["not_started"]),
        ("failed without effect", [error("storage_failed", "failed")], Failed, ["failed"]),
        ("busy for too long", [BUSY], NotNow, ["not_started"]),
        ("nobody knows", [LOST], OutcomeUnknown, []),
        ("lost, then removed", [LOST, REMOVED], OutcomeUnknown, []),
        ("an answer that is none", [{"verdict": "PAID"}], OutcomeUnknown, []),
    ],
)
def test_an_error(what: str, answers: list[Any], kind: type[TpaydError], ended: list[str]) -> None:
    """It names the payment; the request log is closed only where the outcome is known."""
    play = Play(*answers)
    with pytest.raises(kind) as raised:
        play.run()
    assert ("1", ID, ended) == (raised.value.lane, raised.value.request_id, play.ended)


def test_another_payments_id_stays_open() -> None:
    """A conflict says nothing about the payment that has this id."""
    play = Play(error("key_conflict", "not_started"))
    with pytest.raises(TpaydError):
        play.run()
    assert [] == play.ended


def test_a_wait_that_does_not_end_is_told_as_it_is() -> None:
    """The last word of the daemon, after the time that was given."""
    play = Play(LOST, answer("WAIT"))
    assert Verdict.WAIT is play.run().verdict
    assert [] == play.ended
    assert TIMEOUT_S + 30 <= play.now_s < TIMEOUT_S + 40


def test_it_waits_as_long_as_the_daemon_says() -> None:
    """An overloaded store tells how long; who does not know it asks after its own time."""
    told = error("busy", "not_started", retryable=True, retry_after_ms=750)
    play = Play(told, BUSY, PAID)
    play.run()
    assert [0.75, RETRY_EVERY_S] == [wish.seconds for wish in play.wishes if isinstance(wish, Pause)]


ANSWERS = st.sampled_from([PAID, NOT_PAID, WAIT, LOST, TIMED_OUT, NO_SESSION, BUSY, AWAY, REMOVED])


@given(st.lists(ANSWERS, min_size=1, max_size=12), st.sampled_from([0.01, 3.0, 7.0]))
def test_whatever_is_answered_the_rules_hold(answers: list[Any], answer_s: float) -> None:
    """The id is durable first; a sale is repeated only after `not_started`; it ends in bounded time, one way."""
    play = Play(*answers, answer_s=answer_s)
    try:
        result = play.run()
        known = result.verdict is not Verdict.WAIT
    except OutcomeUnknown:
        known = False
    except TpaydError as raised:
        known = raised.outcome is not Outcome.UNKNOWN
    assert Begin("1", ID) == play.wishes[0]
    assert known == bool(play.ended)
    assert len(play.ended) <= 1
    given_answers = [*answers, *[answers[-1]] * len(play.asked)]
    for before, (ask, follower) in enumerate(zip(play.asked, play.asked[1:], strict=False)):
        if follower.op == "payment.sale":
            reason = given_answers[before]
            assert isinstance(reason, TpaydError)
            assert Outcome.NOT_STARTED is reason.outcome
            assert (ask.op, ask.key) == (follower.op, follower.key)
    assert play.now_s < TIMEOUT_S + 30 + 20


def test_a_daemon_that_will_never_know_is_not_asked_on() -> None:
    """A store that was restored from a backup: whoever is at the till has to find out."""
    play = Play(LOST, error("restored", "unknown"))
    with pytest.raises(OutcomeUnknown) as raised:
        play.run()
    assert (ErrorCode.RESTORED, 2) == (raised.value.code, len(play.asked))
    asked_again = Play(LOST, error("restored", "unknown", retryable=True), PAID)
    assert Verdict.PAID == asked_again.run().verdict

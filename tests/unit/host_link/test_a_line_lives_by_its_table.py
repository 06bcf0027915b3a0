"""One line: it signs on before it carries anything, asks when it is quiet, and comes back after a loss."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.host_link.line import Do, Event, Line, Waits
from tpayd_contracts.host import LineState

S = 1_000_000
WAITS = Waits(
    connect_s=5, sign_on_s=10, echo_idle_s=30, echo_answer_s=10, retry_first_s=1, retry_most_s=8, retry_growth=2,
    retry_jitter=0, steady_s=60,
)  # fmt: skip


def middle() -> float:
    return 0.5


def signed_on(at_us: int = 0, waits: Waits = WAITS) -> Line:
    line = Line(waits, middle)
    for event in (Event.DUE, Event.CONNECTED, Event.AGREED):
        line.on(event, at_us)
    assert LineState.SIGNED_ON is line.state
    return line


def test_a_line_signs_on_before_it_carries_anything() -> None:
    """Dial, sign on, and only then signed on."""
    line = Line(WAITS, middle)
    seen = [(line.on(event, 0), line.state) for event in (Event.DUE, Event.CONNECTED, Event.AGREED)]
    assert [
        (Do.CONNECT, LineState.CONNECTING),
        (Do.SIGN_ON, LineState.SIGNING_ON),
        (Do.NOTHING, LineState.SIGNED_ON),
    ] == seen


@pytest.mark.parametrize(
    ("events", "wait_s", "detail"),
    [
        ([Event.DUE], 5, "no connection in time"),
        ([Event.DUE, Event.CONNECTED], 10, "no answer to the sign-on in time"),
    ],
)
def test_every_step_has_a_limit(events: list[Event], wait_s: int, detail: str) -> None:
    """A host that accepts and says nothing does not hold the line."""
    line = Line(WAITS, middle)
    for event in events:
        line.on(event, 0)
    assert wait_s * S == line.due_us
    assert (Do.CLOSE, LineState.DOWN, detail) == (line.on(Event.DUE, wait_s * S), line.state, line.detail)


def test_a_refused_sign_on_closes_the_line_and_says_why() -> None:
    """The host's own code reaches the operator."""
    line = Line(WAITS, middle)
    line.on(Event.DUE, 0)
    line.on(Event.CONNECTED, 0)
    assert (Do.CLOSE, "code 05") == (line.on(Event.REFUSED, 0, "code 05"), line.detail)


def test_a_quiet_line_is_asked_and_closed_without_an_answer() -> None:
    """Echo after 30 s of silence, 10 s for its answer."""
    line = signed_on()
    assert (Do.ECHO, 40 * S) == (line.on(Event.DUE, 30 * S), line.due_us)
    assert (Do.CLOSE, LineState.DOWN) == (line.on(Event.DUE, 40 * S), line.state)
    assert "no answer to the echo in time" == line.detail


def test_whatever_is_heard_keeps_the_line() -> None:
    """A busy line is never asked: any message proves that the host is there."""
    line = signed_on()
    line.heard(20 * S)
    assert (Do.NOTHING, 50 * S) == (line.on(Event.DUE, 30 * S), line.due_us)
    assert Do.ECHO is line.on(Event.DUE, 50 * S)
    line.heard(51 * S)
    assert (Do.NOTHING, 81 * S, LineState.SIGNED_ON) == (line.on(Event.DUE, 60 * S), line.due_us, line.state)


def test_waits_between_tries_grow_to_a_limit() -> None:
    """1, 2, 4, 8, 8 … seconds, for as long as the host is away."""
    line = Line(WAITS, middle)
    now_us, waits = 0, []
    for _ in range(2000):
        assert Do.CONNECT is line.on(Event.DUE, now_us)
        line.on(Event.LOST, now_us, "refused")
        assert line.due_us is not None
        waits.append((line.due_us - now_us) // S)
        now_us = line.due_us
    assert ([1, 2, 4, 8, 8], 8) == (waits[:5], max(waits))


def test_a_line_that_was_good_starts_with_the_first_wait_again() -> None:
    """A loss after a minute is news; a loss right after the sign-on is the same trouble still."""
    line = signed_on()
    for lost_at, then in ((1 * S, 1), (2 * S, 2)):
        line.on(Event.LOST, lost_at)
        assert line.due_us == lost_at + then * S
        for event in (Event.DUE, Event.CONNECTED, Event.AGREED):
            line.on(event, lost_at)
    line.on(Event.LOST, 100 * S)
    assert 101 * S == line.due_us


@given(st.floats(0, 1, exclude_max=True))
def test_waits_differ_by_chance_within_their_share(chance: float) -> None:
    """A thousand stores don't come back in the same second."""
    line = Line(Waits(retry_first_s=10, retry_most_s=10, retry_jitter=0.25), lambda: chance)
    line.on(Event.DUE, 0)
    line.on(Event.LOST, 0)
    assert line.due_us is not None
    assert 7.5 * S <= line.due_us <= 12.5 * S


def test_a_stopped_line_never_dials_again() -> None:
    """Whatever still arrives from its connection."""
    line = signed_on()
    assert (Do.CLOSE, None) == (line.on(Event.STOPPED, 0), line.due_us)
    for event in Event:
        assert Do.NOTHING is line.on(event, 100 * S)
    assert LineState.DOWN is line.state


@given(st.lists(st.tuples(st.sampled_from(Event), st.integers(0, 50))))
def test_no_order_of_events_breaks_it(events: list[tuple[Event, int]]) -> None:
    """Signed on only by way of a sign-on; due whenever it is not stopped, so that it never gets stuck."""
    line = Line(WAITS, middle)
    now_us, stopped, done = 0, False, [Do.NOTHING]
    for event, after_s in events:
        now_us += after_s * S
        before = line.state
        done.append(line.on(event, now_us))
        stopped = stopped or event is Event.STOPPED
        assert stopped == (line.due_us is None)
        if line.state is LineState.SIGNED_ON and before is not LineState.SIGNED_ON:
            assert (LineState.SIGNING_ON, Event.AGREED) == (before, event)
    dials = [do for do in done if do in (Do.CONNECT, Do.SIGN_ON)]
    assert all(pair != (Do.SIGN_ON, Do.SIGN_ON) for pair in itertools.pairwise(dials))

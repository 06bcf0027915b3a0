"""One release follows another by a table: what is not in it is refused, and a launcher always knows what to do."""

from __future__ import annotations

import itertools

import pytest

from tpayd.releases.journal import (
    NOTHING,
    Attempt,
    Event,
    OutOfTurnError,
    Record,
    State,
    Step,
    after,
    attempts,
    decode,
    encode,
    fold,
    next_step,
)

BOOT, OTHER_BOOT = "boot-1", "boot-2"
READY_LIMIT_MS, TRIAL_MS = 60_000, 30_000


def record(event: Event, at_ms: int = 1_000, *, version: str = "0.2.0", text: str = "") -> Record:
    return Record(
        event, version, at_ms, at_ms, BOOT, before="0.1.0", by="cli", text=text, ready_limit_ms=READY_LIMIT_MS,
        trial_ms=TRIAL_MS, ready=("gateway", "transaction"),
    )  # fmt: skip


def having(*events: Event) -> Attempt:
    return fold(record(event) for event in events)


STAGED, ORDERED, WITHDRAWN, TRIAL, READY, COMMITTED, ROLLED_BACK = Event
WAYS = {
    State.NONE: (),
    State.STAGED: (STAGED,),
    State.ORDERED: (STAGED, ORDERED),
    State.TRIAL: (STAGED, ORDERED, TRIAL),
    State.READY: (STAGED, ORDERED, TRIAL, READY),
    State.COMMITTED: (STAGED, ORDERED, TRIAL, READY, COMMITTED),
    State.ROLLED_BACK: (STAGED, ORDERED, TRIAL, ROLLED_BACK),
}
ALLOWED = {
    State.NONE: {STAGED},
    State.STAGED: {STAGED, ORDERED},
    State.ORDERED: {WITHDRAWN, TRIAL},
    State.TRIAL: {READY, ROLLED_BACK},
    State.READY: {COMMITTED, ROLLED_BACK},
    State.COMMITTED: {STAGED},
    State.ROLLED_BACK: {STAGED},
}


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_only_what_the_table_has_can_happen(state: State, event: Event) -> None:
    """Every other event is refused, in every state."""
    attempt = having(*WAYS[state])
    assert state is attempt.state
    if event in ALLOWED[state]:
        assert attempt != after(attempt, record(event, 2_000))
    else:
        with pytest.raises(OutOfTurnError):
            after(attempt, record(event))


def test_the_first_to_write_wins() -> None:
    """What was rolled back is never committed, and what was committed never rolled back."""
    with pytest.raises(OutOfTurnError):
        having(*WAYS[State.ROLLED_BACK], COMMITTED)
    with pytest.raises(OutOfTurnError):
        having(*WAYS[State.COMMITTED], ROLLED_BACK)


def test_an_event_about_another_release_is_refused() -> None:
    """A late word of an updater that was replaced changes nothing."""
    with pytest.raises(OutOfTurnError):
        after(having(STAGED, ORDERED), record(TRIAL, version="0.3.0"))


def step(*events: Event, linked: str, boot: str = BOOT, now_ms: int = 2_000) -> Step:
    return next_step(having(*events), linked=linked, boot=boot, now_ms=now_ms, order_valid_ms=15_000)[0]


OLD, NEW = "0.1.0", "0.2.0"


def test_an_order_is_taken_while_it_is_fresh() -> None:
    """Later, or after a restart of the machine, nobody waits for it any more."""
    assert Step.TAKE is step(STAGED, ORDERED, linked=OLD)
    assert Step.WITHDRAW is step(STAGED, ORDERED, linked=OLD, now_ms=17_000)
    assert Step.WITHDRAW is step(STAGED, ORDERED, linked=OLD, boot=OTHER_BOOT)


@pytest.mark.parametrize("events", [WAYS[State.TRIAL], WAYS[State.READY]])
def test_a_trial_is_watched_and_taken_back_after_a_restart_or_its_deadline(events: tuple[Event, ...]) -> None:
    """Also where the link is elsewhere: then it was cut off before the flip, or after the flip back."""
    late_ms = 1_000 + READY_LIMIT_MS + TRIAL_MS + 1
    assert Step.WATCH is step(*events, linked=NEW)
    assert Step.BACK is step(*events, linked=OLD)
    assert Step.BACK is step(*events, linked=NEW, boot=OTHER_BOOT)
    assert Step.BACK is step(*events, linked=NEW, now_ms=late_ms)


@pytest.mark.parametrize("state", [State.NONE, State.STAGED, State.COMMITTED, State.ROLLED_BACK])
@pytest.mark.parametrize("linked", [OLD, NEW, ""])
@pytest.mark.parametrize("boot", [BOOT, OTHER_BOOT])
def test_what_is_over_or_not_begun_is_left_alone(state: State, linked: str, boot: str) -> None:
    """At every start, wherever the link points."""
    assert Step.NOTHING is step(*WAYS[state], linked=linked, boot=boot, now_ms=10**9)


def test_each_reason_is_a_sentence() -> None:
    """Whoever reads the history learns why."""
    trial = having(*WAYS[State.TRIAL])
    why = next_step(trial, linked=NEW, boot=OTHER_BOOT, now_ms=2_000, order_valid_ms=1)[1]
    assert "the machine was restarted before the new version had proven itself" == why


def test_lines_come_back_as_they_were_written() -> None:
    """All fields, in any order of events."""
    records = [record(event, at_ms, text="왜") for at_ms, event in enumerate(WAYS[State.COMMITTED], start=1)]
    content = b"".join(map(encode, records))
    assert (records, len(content)) == decode(content)


def test_a_line_that_a_power_cut_tore_is_left_aside() -> None:
    """Wherever it was torn, also where a sector of zeros is left."""
    good = encode(record(STAGED)) + encode(record(ORDERED))
    last = encode(record(TRIAL))
    for cut in range(len(last)):
        assert ([STAGED, ORDERED], len(good)) == told(good + last[:cut])
    assert ([STAGED, ORDERED], len(good)) == told(good + bytes(len(last)) + b"\n")


def told(content: bytes) -> tuple[list[Event], int]:
    records, size_bytes = decode(content)
    return [each.event for each in records], size_bytes


def test_damage_in_the_middle_is_no_power_cut() -> None:
    """Then nobody guesses what runs."""
    lines = [encode(record(event)) for event in WAYS[State.COMMITTED]]
    lines[1] = lines[1].replace(b"ordered", b"orderec")
    with pytest.raises(ValueError, match="line 2 is damaged"):
        decode(b"".join(lines))


def test_every_attempt_is_in_the_history() -> None:
    """Those that came to nothing, too."""
    events = (STAGED, ORDERED, WITHDRAWN, ORDERED, TRIAL, ROLLED_BACK, STAGED)
    ends = [each.state for each in attempts(record(event) for event in events)]
    assert [State.ORDERED, State.ROLLED_BACK, State.STAGED] == ends


def test_nothing_was_ever_done() -> None:
    """An instance that was never updated has no attempt."""
    assert (NOTHING, []) == (fold(()), attempts(()))

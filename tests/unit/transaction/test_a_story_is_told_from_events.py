"""A payment's story follows from its events alone: the states by the table, the words by one list."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from tests.unit.transaction.samples import EVENTS, NOW_MS, PAYMENT
from tpayd.kit.store_settings import Merchant
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Recorded
from tpayd.transaction.records.story import MAX_STEPS, story_of
from tpayd.transaction.records.story_words import TOLD_OF
from tpayd.transaction.verdict import result_of
from tpayd_contracts.payment import PaymentState, Verdict
from tpayd_contracts.records import Story

BY_TYPE = {type(event): event for event in EVENTS}
MERCHANT = Merchant(id="TPAYDSANDBOX001", name="Shop", business_number="1048658278")


def name_of(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


def recorded(*events: ev.Event, at_ms: int = NOW_MS, step_ms: int = 100) -> list[Recorded]:
    return [
        Recorded(number, number, at_ms + (number - 1) * step_ms, name_of(type(event)), event, purged=False)
        for number, event in enumerate(events, 1)
    ]


def story(events: list[Recorded]) -> Story:
    return story_of(PAYMENT, result_of(PAYMENT, MERCHANT, told=True), events)


def test_there_are_words_for_every_event() -> None:
    """One that is added to the table must be added to the story."""
    assert set() == {name_of(kind) for kind in get_args(ev.Event)} - TOLD_OF


def test_what_the_pos_was_told_follows_from_the_table() -> None:
    """NOT_PAID when the reversal is owed; what comes later tells nothing new."""
    kinds = (ev.Leased, ev.CardRead, ev.Sealed, ev.HostUnknown, ev.ReversalSealed, ev.ReversalAnswered)
    told = story(recorded(ev.Created(PAYMENT), *(BY_TYPE[kind] for kind in kinds)))
    assert [None, None, None, None, Verdict.NOT_PAID, None, None] == [step.told for step in told.steps]
    assert (Verdict.NOT_PAID, NOW_MS + 400) == (told.told, told.told_at_ms)
    assert PaymentState.REVERSED == told.steps[-1].state


def test_a_card_that_lay_there_already_is_told_like_one_that_was_waited_for() -> None:
    """One event tells of the reader and of the card: two steps under its number."""
    read = BY_TYPE[ev.CardRead]
    both = replace(read, reader="r1", reader_label="counter A")
    waited = story(recorded(ev.Created(PAYMENT), BY_TYPE[ev.Leased], read)).steps
    at_once = story(recorded(ev.Created(PAYMENT), both)).steps
    assert [(step.event, step.text, step.state) for step in waited] == [
        (step.event, step.text, step.state) for step in at_once
    ]
    assert [1, 2, 2] == [step.number for step in at_once]


def test_a_clock_that_was_set_back_shows_as_it_is() -> None:
    """The order is the journal's, not the clock's."""
    told = story(recorded(ev.Created(PAYMENT), BY_TYPE[ev.Leased], at_ms=NOW_MS, step_ms=-5_000))
    assert [0, -5_000] == [step.offset_ms for step in told.steps]


def test_an_event_of_another_version_leaves_the_state_open() -> None:
    """It is told by its name, and nothing after it is guessed."""
    events = recorded(ev.Created(PAYMENT), BY_TYPE[ev.Leased], BY_TYPE[ev.AbortAsked])
    events[1] = replace_event(events[1], "teleported")
    told = story(events)
    assert [PaymentState.CREATED, None, None] == [step.state for step in told.steps]
    assert "teleported" == told.steps[1].text


def test_events_that_do_not_fit_the_table_do_not_stop_the_story() -> None:
    """An approval without a request, say."""
    told = story(recorded(ev.Created(PAYMENT), BY_TYPE[ev.HostApproved]))
    assert [PaymentState.CREATED, None] == [step.state for step in told.steps]


def test_a_very_long_story_keeps_its_ends() -> None:
    """An answer must fit into a frame."""
    tries = [BY_TYPE[ev.ReversalUnanswered]] * 1_000
    told = story(recorded(ev.Created(PAYMENT), *tries, BY_TYPE[ev.Acknowledged]))
    assert (MAX_STEPS, 1_002 - MAX_STEPS) == (len(told.steps), told.left_out)
    assert ("created", "acknowledged") == (told.steps[0].event, told.steps[-1].event)


def replace_event(each: Recorded, name: str) -> Recorded:
    return Recorded(each.position, each.seq, each.at_ms, name, None, purged=False)

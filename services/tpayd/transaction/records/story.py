"""One payment told from its events: what happened, when, by whose share, and what the POS was told. Pure.

The state after each event, and with it what the POS was told, is not in the journal. It follows from the events by the
table of `flow`, so it is found by taking the same steps again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.effects import Effect, TellPos
from tpayd.transaction.journal import Recorded
from tpayd.transaction.payment import Payment
from tpayd.transaction.records.story_words import LEASED, words_of
from tpayd.transaction.verdict import VERDICTS
from tpayd_contracts.payment import PaymentResult, Verdict
from tpayd_contracts.records import Story, StoryStep

__all__ = ["MAX_STEPS", "local_time", "story_of"]

MAX_STEPS = 80
"""Steps of a story; an answer must fit into one frame. The first and the last are kept."""


_MAX_TEXT = 160
_UNTOLD = frozenset({"unheard", "commit_failed"})
"""What follows a verdict that was not told after all."""


def story_of(payment: Payment, result: PaymentResult, recorded: Sequence[Recorded], *, complete: bool = True) -> Story:
    """The story of `payment`, whose events are `recorded`; `result` is what its POS would be told now."""
    steps = tuple(_steps(recorded))
    told = next((step for step in reversed(steps) if step.told is not None), None)
    kept = steps if len(steps) <= MAX_STEPS else steps[: MAX_STEPS // 2] + steps[-(MAX_STEPS // 2) :]
    story = Story(
        payment=result,
        steps=kept,
        left_out=len(steps) - len(kept),
        told=told.told if told is not None else None,
        told_at_ms=told.at_ms if told is not None else None,
        acknowledged_at_ms=payment.acknowledged_ms,
        reversal_tries=payment.reversal.tries if payment.reversal is not None else 0,
        complete=complete,
        trace=payment.trace,
    )
    if told is None and payment.ended_ms is not None and any(step.purged for step in steps):
        # Its details are gone; its last value still says how it ended.
        return replace(story, told=VERDICTS[payment.state], told_at_ms=payment.ended_ms)
    return story


def local_time(at_ms: int) -> str:
    """Local date and time to the millisecond, ISO 8601 with offset."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC).astimezone().replace(microsecond=at_ms % 1000 * 1000)
    return at.isoformat(timespec="milliseconds")


def _steps(recorded: Sequence[Recorded]) -> Iterator[StoryStep]:
    payment: Payment | None = None
    recorded = [one for each in recorded for one in _told_apart(each)]
    for index, each in enumerate(recorded):
        before = payment
        payment, effects = _after(before, each, first=index == 0)
        share, text = words_of(each.name, each.event, before)
        yield StoryStep(
            number=each.seq,
            at_ms=each.at_ms,
            at=local_time(each.at_ms),
            offset_ms=each.at_ms - recorded[0].at_ms,
            event=each.name,
            share=share,
            text=text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…",
            state=payment.state if payment is not None else None,
            told=_told(payment, each, effects) if _following(recorded, index) not in _UNTOLD else None,
            purged=each.purged,
        )


def _told_apart(each: Recorded) -> tuple[Recorded, ...]:
    """A card that lay on the reader already, and the reader, are one event, and two things to tell."""
    event = each.event
    if not isinstance(event, ev.CardRead) or event.reader is None:
        return (each,)
    leased = ev.Leased(event.reader, event.reader_label or "")
    read = replace(event, reader=None, reader_label=None)
    return replace(each, name=LEASED, event=leased), replace(each, event=read)


def _following(recorded: Sequence[Recorded], index: int) -> str:
    return recorded[index + 1].name if index + 1 < len(recorded) else ""


def _after(before: Payment | None, each: Recorded, *, first: bool) -> tuple[Payment | None, tuple[Effect, ...]]:
    """The payment after an event and what was to be done then; None from where on it can't be known."""
    event = each.event
    if isinstance(event, ev.Created) and first:
        return flow.begin(event)
    if isinstance(event, ev.Buried) and first:
        return flow.bury(event)
    if isinstance(event, ev.StoreRestored) and first:
        return event.payment, ()
    if before is None or event is None:
        return None, ()
    try:
        return flow.step(before, event, each.at_ms)
    except (flow.NotInTableError, AssertionError):
        # Written by a version with another table.
        return None, ()


def _told(payment: Payment | None, each: Recorded, effects: tuple[Effect, ...]) -> Verdict | None:
    if payment is None or not (TellPos() in effects or isinstance(each.event, ev.Asked)):
        return None
    return VERDICTS[payment.state]

"""What was written can be read again: one payment's events, what a lane began last, what no POS acknowledged."""

from __future__ import annotations

from datetime import datetime

import pytest
import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, NOW_MS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalReader, JournalStore
from tpayd.transaction.payment import Payment, new_payment_id
from tpayd_contracts.payment import PaymentState

OTHER = replace(PAYMENT, payment_id="33333333-3333-4333-8333-333333333333", request_id="4" * 8 + PAYMENT.request_id[8:])
BY_TYPE = {type(event): event for event in EVENTS}


def journal_at(place: Place) -> Journal:
    return Journal(JournalStore(place.url), FakeClock(), structlog.get_logger())


def history_of(payment: Payment) -> list[tuple[Payment, ev.Event]]:
    """An aborted sale."""
    history: list[tuple[Payment, ev.Event]] = [(payment, ev.Created(payment))]
    for kind in (ev.Leased, ev.CardFailed):
        payment = run(payment, BY_TYPE[kind])
        history.append((payment, BY_TYPE[kind]))
    return history


async def written(place: Place, *histories: list[tuple[Payment, ev.Event]]) -> None:
    """Write the histories, their events taking turns, in two transactions."""
    journal = journal_at(place)
    journal.open()
    for turn in zip(*histories, strict=True):
        for payment, event in turn:
            journal.put(payment, event)
        await journal.committed()
    await journal.close()


async def test_a_payments_events_come_in_their_order_and_no_others(place: Place) -> None:
    """Two payments of a lane that ran at the same time."""
    await written(place, history_of(PAYMENT), history_of(OTHER))
    reader = JournalReader(place.url)
    events = await reader.events_of(OTHER.lane, OTHER.request_id)
    assert [event for _, event in history_of(OTHER)] == [each.event for each in events]
    assert [2, 4, 6] == [each.position for each in events]
    assert () == await reader.events_of("2", OTHER.request_id)
    reader.close()


async def test_a_purged_event_keeps_its_name_and_time(place: Place) -> None:
    """What is gone is said to be gone."""
    await written(place, history_of(PAYMENT))
    place.run(
        "update events set payload = null where event = 'leased'",
        "update events set payload = substr(payload, 2) where event = 'card_failed'",
    )
    reader = JournalReader(place.url)
    events = await reader.events_of(PAYMENT.lane, PAYMENT.request_id)
    assert [("created", False), ("leased", True), ("card_failed", False)] == [
        (each.name, each.purged) for each in events
    ]
    assert [False, True, True] == [each.event is None for each in events]
    reader.close()


async def test_a_payment_is_found_by_its_own_id(place: Place) -> None:
    """Within its lane."""
    await written(place, history_of(PAYMENT), history_of(OTHER))
    reader = JournalReader(place.url)
    assert (OTHER.lane, OTHER.request_id) == await reader.key_of(OTHER.payment_id, OTHER.lane)
    assert await reader.key_of(OTHER.payment_id, "2") is None
    assert await reader.key_of(OTHER.request_id, OTHER.lane) is None
    reader.close()


@pytest.mark.parametrize("where", ["day", "minute", "anywhere"])
async def test_a_payment_is_found_by_the_time_in_its_own_id(place: Place, where: str) -> None:
    """Among those of its day, or, where it was never sent, those of its minute; and all, if its clock was wrong."""
    payments = [
        replace(PAYMENT, payment_id=new_payment_id(NOW_MS), request_id=f"r{number:035d}") for number in range(9)
    ]
    await written(place, *map(history_of, payments))
    wanted = payments[4]
    day = f"{datetime.fromtimestamp(NOW_MS / 1000).astimezone():%Y%m%d}"
    if where == "day":
        place.run(f"update payments set business_day = '{day}'", "update events set payload = null")
    else:
        place.run(f"update events set at_ms = {NOW_MS if where == 'minute' else 1}")
    reader = JournalReader(place.url)
    assert (wanted.lane, wanted.request_id) == await reader.key_of(wanted.payment_id)
    assert None is await reader.key_of(wanted.payment_id, "2")
    assert None is await reader.key_of(new_payment_id(NOW_MS))
    assert None is await reader.key_of(new_payment_id((1 << 48) - 1))
    reader.close()


async def test_the_next_process_knows_what_each_lane_began_last(place: Place) -> None:
    """Whatever else happened to older payments since; an id that was only asked about is no payment."""
    await written(place, history_of(PAYMENT), history_of(OTHER))
    journal = journal_at(place)
    assert {"1": OTHER.request_id} == journal.open().newest
    journal.put(run(history_of(PAYMENT)[-1][0], ev.Acknowledged()), ev.Acknowledged())
    buried = replace(PAYMENT, lane="2", payment_id="5" * 36, body_hash=b"", state=PaymentState.ABORTED)
    journal.put(buried, ev.Buried(buried))
    await journal.close()
    journal = journal_at(place)
    assert {"1": OTHER.request_id} == journal.open().newest
    await journal.close()


async def test_the_next_process_knows_what_no_pos_has_acknowledged(place: Place) -> None:
    """Until it is; it is not open for that."""
    approved = replace(PAYMENT, state=PaymentState.APPROVED)
    await written(place, [(approved, ev.Created(approved))])
    journal = journal_at(place)
    found = journal.open()
    assert ((), (approved,)) == (found.open, found.unacknowledged)
    journal.put(replace(approved, state=PaymentState.CLOSED), ev.Acknowledged())
    await journal.close()
    journal = journal_at(place)
    assert () == journal.open().unacknowledged
    await journal.close()

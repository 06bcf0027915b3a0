"""What is older than the store keeps is purged: amounts, ids, state and hashes stay, and the chain still verifies."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, NOW_MS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalStore
from tpayd.transaction.journal.entries import Entry, decode_payment
from tpayd.transaction.journal.retention import PAGE_EVENTS, reduced
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState

BY_TYPE: dict[type, Any] = {type(event): event for event in EVENTS}
SALE = (ev.Leased, ev.CardRead, ev.Sealed, ev.HostApproved, ev.CardAccepted, ev.Acknowledged)
DAY_MS = 86_400_000


def history(number: int, at_ms: int, kinds: tuple[type, ...] = SALE) -> list[Entry]:
    payment = replace(PAYMENT, payment_id=f"p{number:035d}", request_id=f"r{number:035d}", trace="t", client="till-1")
    entries = [Entry(payment, ev.Created(payment), at_ms)]
    for kind in kinds:
        payment = run(payment, BY_TYPE[kind])
        entries.append(Entry(payment, BY_TYPE[kind], at_ms))
    return entries


def purged(store: JournalStore, before_ms: int = NOW_MS) -> tuple[int, int]:
    """Page after page: payments and events."""
    payments = events = 0
    position = None
    while True:
        page = store.purge(before_ms, position)
        payments, events, position = payments + page.payments, events + page.events, page.next_position
        if position is None:
            return payments, events


def record(store: JournalStore, number: int) -> Payment:
    payment = store.find("1", f"r{number:035d}")
    assert payment is not None
    return payment


def test_an_old_payment_keeps_amounts_ids_state_and_hashes(place: Place) -> None:
    """And nothing of card, reader and client; a younger one keeps all."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        store.write(history(1, NOW_MS - 1), [])
        store.write(history(2, NOW_MS), [])
        before = record(store, 1)
        assert (1, 7) == purged(store)
        after = record(store, 1)
        kept = "payment_id lane request_id body_hash state terminal_id stan business_day approval_code request_hash"
        assert [getattr(before, name) for name in kept.split()] == [getattr(after, name) for name in kept.split()]
        assert b"4111" not in msgspec.msgpack.encode(after)
        assert (None, None, None, None) == (after.card, after.reader, after.trace, after.client)
        assert record(store, 2).card is not None
        assert [(7, 7)] == place.rows("select count(*), count(payload) from events where position > 7")
        assert [(7, 0)] == place.rows("select count(*), count(payload) from events where position <= 7")
    found = verify(place.url, lambda *_: None)
    assert ((), 7) == (found.findings, found.purged)


def test_purging_goes_on_where_it_ended(place: Place) -> None:
    """What is purged is not looked at again."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        count = PAGE_EVENTS // 7 * 3
        store.write([entry for number in range(count) for entry in history(number, number)], [])
        first = store.purge(count // 2)
        assert first.next_position is not None
        assert first.payments >= PAGE_EVENTS // 7
        assert count // 2 == first.payments + purged(store, count // 2)[0]
        assert (0, 0) == purged(store, count // 2)
        assert [(str(count // 2 * 7),)] == place.rows("select value from about where name = 'purged_to'")
        assert (count - count // 2, (count - count // 2) * 7) == purged(store, count)
    assert verify(place.url, lambda *_: None).intact


def test_what_is_open_stays_and_is_purged_once_it_ends(place: Place) -> None:
    """However old it is: its details are needed to settle it."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        unsettled = history(1, 1, (ev.Leased, ev.CardRead, ev.Sealed, ev.HostUnknown))
        store.write([*unsettled, *history(2, 2)], [])
        assert (1, 7) == purged(store)
        assert record(store, 1).card is not None
        entries = [Entry(unsettled[-1].payment, unsettled[-1].event, 1)]
        payment = unsettled[-1].payment
        for kind in (ev.ReversalSealed, ev.ReversalAnswered):
            payment = run(payment, BY_TYPE[kind])
            entries.append(Entry(payment, BY_TYPE[kind], NOW_MS + 5))
        store.write(entries[1:], [])
        assert (0, 0) == purged(store)
        assert (1, 7) == purged(store, NOW_MS + 10)
        assert (PaymentState.REVERSED, None) == (record(store, 1).state, record(store, 1).card)
    assert verify(place.url, lambda *_: None).intact


def test_a_damaged_payment_is_left_for_whoever_looks_into_it(place: Place) -> None:
    """A purge destroys no evidence, and stumbles over none."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        store.write([*history(1, 1), *history(2, 1), *history(3, 1)], [])
        place.run(
            "update payments set record = substr(record, 2) where first_position = 1",
            "update events set payload = hash where position = 8",
        )
        assert (1, 7) == purged(store)


def test_the_same_record_comes_of_a_second_purge() -> None:
    """Reducing is idempotent."""
    payment = history(1, 1)[-1].payment
    assert reduced(payment) == reduced(reduced(payment))
    assert reduced(payment) == decode_payment(msgspec.msgpack.encode(reduced(payment)))


@pytest.mark.parametrize("days", [0, 1])
def test_an_empty_journal_has_nothing_to_purge(place: Place, days: int) -> None:
    """The first day of a store."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        assert (0, 0) == purged(store, NOW_MS - days * DAY_MS)

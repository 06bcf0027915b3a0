"""What is older than the store keeps is purged: amounts, ids, state and hashes stay, and the chain still verifies."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, NOW_MS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalStore, passed_over, retention
from tpayd.transaction.journal.coding import decode_payment, encode_payment
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.retention import PAGE_EVENTS, PurgePlace, reduced
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState

BY_TYPE: dict[type, Any] = {type(event): event for event in EVENTS}
SALE = (ev.Leased, ev.CardRead, ev.Sealed, ev.HostApproved, ev.CardAccepted, ev.Acknowledged)
SETTLED = (ev.ReversalSealed, ev.ReversalAnswered)
DAY_MS = 86_400_000


def history(number: int, at_ms: int, kinds: tuple[type, ...] = SALE) -> list[Entry]:
    payment = replace(PAYMENT, payment_id=f"p{number:035d}", request_id=f"r{number:035d}", trace="t", client="till-1")
    entries = [Entry(payment, ev.Created(payment), at_ms)]
    for kind in kinds:
        payment = run(payment, BY_TYPE[kind])
        entries.append(Entry(payment, BY_TYPE[kind], at_ms))
    return entries


def purged(store: JournalStore, before_ms: int = NOW_MS, place: PurgePlace | None = None) -> tuple[int, int]:
    """Page after page: payments and events."""
    payments = events = 0
    while True:
        page = store.purge(before_ms, place)
        payments, events, place = payments + page.payments, events + page.events, page.next_place
        if place is None:
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
        assert first.next_place is not None
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


def test_what_had_to_stay_does_not_have_all_behind_it_looked_at_again(place: Place) -> None:
    """It is noted, and the next purge looks at it, and then at what is new."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        unsettled = history(0, 1, (ev.Leased, ev.CardRead, ev.Sealed, ev.HostUnknown))
        store.write([*unsettled, *(entry for number in range(1, 41) for entry in history(number, 2))], [])
        assert (40, 280) == purged(store)
        noted = dict(place.rows("select name, value from about where name = 'purged_to' or name like 'passed_over%'"))
        assert {"purged_to": "285", "passed_over_1": ""} == noted
        first = store.purge(NOW_MS)
        assert PurgePlace(286) == first.next_place
        settled = [run(unsettled[-1].payment, BY_TYPE[ev.ReversalSealed])]
        settled.append(run(settled[0], BY_TYPE[ev.ReversalAnswered]))
        store.write([Entry(each, BY_TYPE[kind], 3) for each, kind in zip(settled, SETTLED, strict=True)], [])
        assert (1, 7) == purged(store)
        assert [] == place.rows("select name from about where name like 'passed_over%'")
    assert verify(place.url, lambda *_: None).intact


def test_more_that_has_to_stay_than_can_be_noted_is_looked_at_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is purged all the same, and each of them once it ends."""
    monkeypatch.setattr(passed_over, "PASSED_OVER_MAX", 2)
    with closing(JournalStore(place.url)) as store:
        store.open()
        begun = [history(number, 1, (ev.Leased, ev.CardRead)) for number in range(5)]
        store.write([*(entry for each in begun for entry in each), *history(5, 2)], [])
        assert (1, 7) == purged(store)
        assert [(2,)] == place.rows("select count(*) from about where name like 'passed_over%'")
        ended = [(run(each[-1].payment, ev.AbortAsked()), ev.AbortAsked()) for each in begun]
        store.write([Entry(payment, event, 3) for payment, event in ended], [])
        assert (5, 20) == purged(store)
        assert (0, 0) == purged(store)
    assert verify(place.url, lambda *_: None).intact


def test_events_that_came_long_after_are_purged_in_transactions_of_their_own(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sale that was voided a month later: a look at a month of events would hold up the payments of the day."""
    monkeypatch.setattr(retention, "FAR_EVENTS", 30)
    with closing(JournalStore(place.url)) as store:
        store.open()
        sale = history(0, 1)
        store.write([*sale, *(entry for number in range(1, 21) for entry in history(number, 1))], [])
        voided = BY_TYPE[ev.Voided]
        store.write([Entry(run(sale[-1].payment, voided), voided, 2), *history(21, 2)], [])
        found = store.purge(NOW_MS)
        assert (0, 0) == (found.payments, found.events)
        counts = []
        while found.next_place is not None and found.next_place.far != ():
            found = store.purge(NOW_MS, found.next_place)
            counts.append(found.events)
        assert [1, 0, 0, 0] == counts
        assert found.next_place is not None
        assert (22, 22 * 7) == purged(store, place=found.next_place)
        assert [(0,)] == place.rows("select count(payload) from events where position <= 155")
    assert verify(place.url, lambda *_: None).intact


def test_what_comes_free_is_used_again(tmp_path: Path) -> None:
    """SQLite's file stops growing once as much is purged as is sold."""
    place = Place.make("sqlite", tmp_path, None)
    with closing(JournalStore(place.url)) as store:
        store.open()
        for number in range(400):
            store.write(history(number, number), [])
        (pages,) = place.rows("pragma page_count")[0]
        assert (400, 2800) == purged(store)
        (free,) = place.rows("pragma freelist_count")[0]
        assert free > pages // 5
        for number in range(400, 440):
            store.write(history(number, number), [])
        assert [(pages,)] == place.rows("pragma page_count")
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
    assert reduced(payment) == decode_payment(encode_payment(reduced(payment)))


@pytest.mark.parametrize("days", [0, 1])
def test_an_empty_journal_has_nothing_to_purge(place: Place, days: int) -> None:
    """The first day of a store."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        assert (0, 0) == purged(store, NOW_MS - days * DAY_MS)

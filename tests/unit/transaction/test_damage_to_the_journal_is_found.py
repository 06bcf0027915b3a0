"""`tpayd journal verify` finds every damage, and says where it is; an intact journal has none."""

from __future__ import annotations

from dataclasses import replace as replace_row
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore, JournalVersionError, StorageError
from tpayd.transaction.journal.auditing import Auditor
from tpayd.transaction.journal.chain import GENESIS, Link, link
from tpayd.transaction.journal.rebuilding import StoredEvent
from tpayd.transaction.journal.verifying import PAGE, Verified, verify
from tpayd.transaction.payment import Payment

BY_TYPE: dict[type, Any] = {type(event): event for event in EVENTS}
SALE = (ev.Leased, ev.CardRead, ev.Sealed, ev.HostApproved, ev.CardAccepted)


def payment_of(number: int, lane: str = "1") -> Payment:
    return replace(PAYMENT, lane=lane, payment_id=f"p{number:035d}", request_id=f"r{number:035d}")


async def written(place: Place, count: int = 2) -> None:
    """So many sales on each of two lanes; six events each, at positions that take turns."""
    journal = Journal(JournalStore(place.url), FakeClock(), structlog.get_logger())
    journal.open()
    for number in range(count):
        payments = [payment_of(2 * number, "1"), payment_of(2 * number + 1, "2")]
        for payment in payments:
            journal.put(payment, ev.Created(payment))
        await journal.committed()
        for kind in SALE:
            payments = [run(payment, BY_TYPE[kind]) for payment in payments]
            for payment in payments:
                journal.put(payment, BY_TYPE[kind])
            await journal.committed()
    await journal.close()


def walked(place: Place) -> Verified:
    return verify(place.url, lambda *_: None)


async def test_an_intact_journal_has_no_findings(place: Place) -> None:
    """All of it is looked at, across pages."""
    seen: list[tuple[str, int, int]] = []
    await written(place, count=PAGE // 12 + 1)
    found = verify(place.url, lambda *step: seen.append(step))
    assert (True, (PAGE // 12 + 1) * 12, (PAGE // 12 + 1) * 2, 2) == (
        found.intact, found.events, found.payments, found.lanes,
    )  # fmt: skip
    assert ("events", PAGE, found.events) == seen[0]
    assert ("payments", found.payments, found.payments) == seen[-1]


DAMAGES: dict[str, tuple[str, str, int | None]] = {
    "a removed event": ("delete from events where position = 5", "1 events are missing", 6),
    "the last event removed": ("delete from events where position = 24", "chain should end at 12 and ends at 11", None),
    "a changed payload": ("update events set payload = hash where position = 5", "not what was written", 5),
    "a changed payload hash": (
        "update events set payload_hash = hash where position = 5", "changed since it was written", 5,
    ),
    "a changed time": ("update events set at_ms = at_ms + 1 where position = 5", "changed since it was written", 5),
    "an event of another payment": (
        f"update events set payment_id = '{payment_of(3).payment_id}' where position = 5", "changed since", 5,
    ),
    "an event moved to another lane": ("update events set lane = '3' where position = 24", "number 1 of its lane", 24),
    "a changed link": ("update events set previous = hash where position = 5", "changed since it was written", 5),
    "a changed hash": ("update events set hash = payload_hash where position = 5", "changed since it was written", 5),
    "a wrong chain end": ("update chains set hash = substr(hash, 2) where lane = '1'", "has another end", None),
    "a removed chain end": ("delete from chains where lane = '1'", "should end at 0 and ends at 12", None),
    "a damaged record": ("update payments set record = substr(record, 2) where lane = '1'", "record is damaged", 1),
    "a changed state": ("update payments set state = 'declined' where lane = '1'", "column state is not what", 1),
    "a changed amount": ("update payments set amount_minor = 1 where lane = '1'", "column amount_minor", 1),
    "a removed payment": ("delete from payments where first_position = 14", "begins a payment that has no record", 14),
    "an invented payment": ("update payments set first_position = 7 where first_position = 14", "no event begins", 7),
}  # fmt: skip


EXACT = ("a changed time", "a changed link", "a changed hash")
"""Of which nothing else is told: those after it are what they were."""


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damage_is_found_where_it_is(place: Place, damage: str) -> None:
    """One sentence, with position."""
    statement, what, position = DAMAGES[damage]
    await written(place)
    place.run(statement)
    found = walked(place)
    assert not found.intact
    assert any(what in finding.what and finding.position == position for finding in found.findings), found.findings
    if damage in EXACT:
        assert 1 == found.damages, found.findings


CHANGED = "it has changed since it was written"


@pytest.mark.parametrize(
    ("change", "old", "expected"),
    [
        ("time", False, [(5, f"{CHANGED}, unless number 2 of its lane, position 3, was replaced as a whole")]),
        ("time", True, [(5, CHANGED)]),
        ("hash", False, [(5, f"{CHANGED}, unless number 2 of its lane, position 3, was replaced as a whole")]),
        ("hash", True, [(5, CHANGED)]),
        ("time and hash", False, [(7, f"{CHANGED}, unless number 3 of its lane, position 5, was replaced as a whole")]),
        ("time and hash", True, [(5, f"{CHANGED}, and its hash with it")]),
    ],
)
async def test_the_chain_names_the_event_that_is_wrong(
    place: Place, change: str, old: bool, expected: list[tuple[int, str]]
) -> None:
    """Once, and no other. Rows from before schema 0005 also know the hash of the event before them."""
    await written(place)
    columns = "position, lane, seq, payment_id, event, at_ms, payload, payload_hash, previous, hash"
    rows = [StoredEvent(*row) for row in place.rows(f"select {columns} from events order by position")]
    if old:
        rows = [replace_row(row, previous=rows[at - 2].hash if at > 1 else GENESIS) for at, row in enumerate(rows)]
    assert (3, 5) == (rows[2].position, rows[4].position)
    wrong = replace_row(rows[4], at_ms=rows[4].at_ms + 1)
    rehashed = link(Link(2, rows[2].hash), "1", wrong.payment_id, wrong.event, wrong.at_ms, wrong.payload_hash).hash
    rows[4] = {
        "time": wrong,
        "hash": replace_row(rows[4], hash=bytes(32)),
        "time and hash": replace_row(wrong, hash=rehashed),
    }[change]
    auditor = Auditor()
    for row in rows:
        auditor.event(row)
    assert expected == [(finding.position, finding.what) for finding in auditor.findings]


async def test_one_lane_can_be_walked_alone(place: Place) -> None:
    """The events of others are no gap, their damage is not told; its own is."""
    await written(place)
    place.run("update events set payload = hash where lane = '2' and seq = 4")
    found = verify(place.url, lambda *_: None, "1")
    assert (True, 12, 2, 1) == (found.intact, found.events, found.payments, found.lanes)
    assert ["its payload is not what was written"] == [
        each.what for each in verify(place.url, lambda *_: None, "2").findings[:1]
    ]


async def test_a_record_of_another_state_is_found_though_it_agrees_with_itself(place: Place) -> None:
    """Who changes record and columns together has the events against him."""
    await written(place)
    record = place.rows("select record from payments where first_position = 13")[0][0]
    changed = record.replace(b"approved", b"reversed")
    assert changed != record
    swap_record(place, changed, "reversed")
    assert ["the payment's record is not what its events make of it"] == [each.what for each in walked(place).findings]


async def test_a_purged_payload_is_no_damage(place: Place) -> None:
    """The chain is over hashes."""
    await written(place)
    place.run("update events set payload = null where position < 13")
    found = walked(place)
    assert (True, 12) == (found.intact, found.purged)


async def test_what_is_written_meanwhile_is_no_damage(place: Place) -> None:
    """The daemon goes on between two pages."""
    await written(place)
    journal = Journal(JournalStore(place.url), FakeClock(), structlog.get_logger())
    store = journal._store
    store.open()
    from tpayd.transaction.journal.entries import Entry

    def meanwhile(of: str, *_: int) -> None:
        if of == "events":
            approved = store.find("1", payment_of(2).request_id)
            assert approved is not None
            new = payment_of(9)
            closed = run(approved, ev.Acknowledged())
            store.write([Entry(closed, ev.Acknowledged(), 1), Entry(new, ev.Created(new), 1)], [])

    assert () == verify(place.url, meanwhile).findings
    assert 26 == walked(place).events
    store.close()


def test_without_a_journal_there_is_nothing_to_verify(place: Place) -> None:
    """And none is made."""
    for _ in range(2):
        with pytest.raises((JournalVersionError, StorageError), match="no journal yet"):
            walked(place)


def swap_record(place: Place, record: bytes, state: str) -> None:
    """Put a record in the place of the one that begins at event 13."""
    from sqlalchemy import create_engine, update

    from tpayd.transaction.journal.schema import payments

    engine = create_engine(place.sqlalchemy_url)
    with engine.begin() as connection:
        values = {"record": record, "state": state, "open": False}
        connection.execute(update(payments).where(payments.c.first_position == 13).values(values))
    engine.dispose()

"""What the journal has acknowledged is there after a crash; what it could not write is written later, once."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from msgspec.structs import replace
from sqlalchemy import select

from tests.harness.clock import FakeClock
from tests.harness.journals import Place
from tests.unit.transaction.samples import EVENTS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import (
    Journal,
    JournalDamagedError,
    JournalStore,
    JournalVersionError,
    StanBlock,
    StorageError,
)
from tpayd.transaction.journal.chain import Link, link
from tpayd.transaction.journal.journal import COMMIT_MAX_S
from tpayd.transaction.journal.opening import IS_OPEN
from tpayd.transaction.journal.schema import payments
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState

EVENT_DECODER: Any = msgspec.msgpack.Decoder(ev.Event)


def journal_at(place: Place) -> Journal:
    return Journal(JournalStore(place.url), FakeClock(), structlog.get_logger())


def to_approved() -> list[tuple[Payment, ev.Event]]:
    """A contactless sale, event by event."""
    by_type = {type(event): event for event in EVENTS}
    read = ev.CardRead(by_type[ev.CardRead].card, chip=False, customer_us=1, reader_us=1)  # type: ignore[union-attr]
    payment = PAYMENT
    history: list[tuple[Payment, ev.Event]] = [(PAYMENT, ev.Created(PAYMENT))]
    for event in (by_type[ev.Leased], read, by_type[ev.Sealed], by_type[ev.HostApproved]):
        payment = run(payment, event)
        history.append((payment, event))
    return history


async def test_a_committed_payment_is_found_by_the_next_process(place: Place) -> None:
    """State, record and reserved STANs."""
    journal = journal_at(place)
    journal.open()
    for payment, event in to_approved()[:4]:
        journal.put(payment, event)
    journal.put_block(StanBlock("test", "TPAY0001", 100))
    await journal.committed()

    found = journal_at(place).open()
    assert [PaymentState.SENDING] == [payment.state for payment in found.open]
    assert {("test", "TPAY0001"): 100} == found.stan_blocks
    await journal.close()


async def test_a_finished_payment_is_found_by_its_key_and_is_not_open(place: Place) -> None:
    """One transaction holds many events and one value."""
    journal = journal_at(place)
    journal.open()
    history = to_approved()
    for payment, event in history:
        journal.put(payment, event)
    await journal.committed()
    assert history[-1][0] == await journal.find(PAYMENT.lane, PAYMENT.request_id)
    assert await journal.find("2", PAYMENT.request_id) is None
    assert () == journal_at(place).open().open
    await journal.close()


async def test_each_event_is_chained_to_the_one_before(place: Place) -> None:
    """Anyone can verify the chain from the rows alone, payloads or not."""
    for half in (slice(0, 2), slice(2, None)):
        journal = journal_at(place)
        journal.open()
        for payment, event in to_approved()[half]:
            journal.put(payment, event)
        await journal.close()
    last = Link()
    query = "select lane, payment_id, event, at_ms, payload, payload_hash, previous, hash, seq from events order by seq"
    for lane, payment_id, name, at_ms, payload, payload_hash, previous, digest, seq in place.rows(query):
        assert hashlib.sha256(payload).digest() == payload_hash
        assert b"" == previous
        last = link(last, lane, payment_id, name, at_ms, payload_hash)
        assert (seq, digest) == (last.seq, last.hash)
    assert len(to_approved()) == last.seq


async def test_what_the_disk_refused_is_written_once_it_takes_it(place: Place) -> None:
    """The waiter hears of the failure, and nothing is lost or doubled."""
    journal = journal_at(place)
    journal.open()
    place.refuse_events()
    history = to_approved()
    journal.put(*history[0])
    with pytest.raises(StorageError, match="disk full"):
        await journal.committed()
    assert journal.failing is not None
    place.allow_events()
    journal.put(*history[1])
    await journal.committed()
    assert journal.failing is None
    assert [(1, "created"), (2, "leased")] == place.rows("select seq, event from events order by seq")
    await journal.close()


async def test_a_commit_that_failed_after_its_last_byte_is_not_repeated(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a look at the chain tells whether it is there."""
    from sqlalchemy.exc import OperationalError

    journal = journal_at(place)
    journal.open()
    insert = JournalStore._insert

    def insert_and_fail(self: JournalStore, *args: object) -> None:
        insert(self, *args)  # type: ignore[arg-type]
        monkeypatch.setattr(JournalStore, "_insert", insert)
        raise OperationalError("commit", {}, OSError("I/O error"))

    monkeypatch.setattr(JournalStore, "_insert", insert_and_fail)
    journal.put(*to_approved()[0])
    await journal.committed()
    assert [(1,)] == place.rows("select count(*) from events")
    await journal.close()


async def test_a_lane_that_waits_has_its_own_events_written(place: Place) -> None:
    """Those of other lanes go with their own commit, or with one of all lanes; in each lane the order stays."""
    journal = journal_at(place)
    journal.open()
    other = replace(PAYMENT, lane="2", payment_id="other")
    history = to_approved()
    journal.put(*history[0])
    journal.put(other, ev.Created(other))
    journal.put(*history[1])
    await journal.committed(PAYMENT.lane)
    written = place.rows("select lane, event from events order by position")
    assert written[:2] == [(PAYMENT.lane, "created"), (PAYMENT.lane, "leased")]
    await journal.committed()
    assert place.rows("select lane, event from events order by position")[2:] == [("2", "created")]
    await journal.close()


async def test_many_waiters_share_one_commit(place: Place) -> None:
    """Group commit: what is queued together is one transaction, and everybody is woken."""
    journal = journal_at(place)
    journal.open()

    async def one(number: int) -> None:
        payment = replace(PAYMENT, lane=str(number), payment_id=str(number))
        journal.put(payment, ev.Created(payment))
        await journal.committed()

    await asyncio.gather(*(one(number) for number in range(64)))
    assert [(64, 64)] == place.rows("select count(*), sum(seq) from events")
    await journal.close()


async def test_a_disk_that_does_not_answer_is_not_waited_for_for_ever(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payment is told that it is not on disk, and goes there once the disk comes back."""
    clock, stalled = FakeClock(), threading.Event()
    journal = Journal(JournalStore(place.url), clock, structlog.get_logger())
    journal.open()
    write = JournalStore.write

    def stall(self: JournalStore, *args: object) -> None:
        stalled.wait(10)
        write(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(JournalStore, "write", stall)
    journal.put(*to_approved()[0])
    waiting = journal.committed()
    looking = asyncio.create_task(journal.find(PAYMENT.lane, PAYMENT.request_id))
    await asyncio.sleep(0)
    clock.advance(COMMIT_MAX_S + 1)
    journal.expire()
    for one in (waiting, looking):
        with pytest.raises(StorageError, match="has not answered"):
            await one
    stalled.set()
    await journal.close()
    assert [(1,)] == place.rows("select count(*) from events")


async def test_a_damaged_record_is_refused_and_the_journal_goes_on(place: Place) -> None:
    """One payment's damage must not end the writing for all others."""
    journal = journal_at(place)
    journal.open()
    journal.put(*to_approved()[0])
    await journal.committed()
    place.run("update payments set record = substr(record, 2)", "update events set payload = substr(payload, 2)")
    with pytest.raises(StorageError, match="damaged"):
        await journal.find(PAYMENT.lane, PAYMENT.request_id)
    journal.put(*to_approved()[1])
    await journal.committed()
    await journal.close()


async def test_a_journal_of_another_version_is_refused(place: Place) -> None:
    """With the way out, before anything is written."""
    journal = journal_at(place)
    journal.open()
    await journal.close()
    place.run("update journal_version set version_num = '99'")
    with pytest.raises(JournalVersionError, match="schema 99"):
        journal_at(place).open()


def test_a_payment_survives_its_own_encoding() -> None:
    """The record is the whole value."""
    for payment, event in to_approved():
        assert payment == msgspec.msgpack.decode(msgspec.msgpack.encode(payment), type=Payment)
        assert event == EVENT_DECODER.decode(msgspec.msgpack.encode(event))


@pytest.mark.parametrize("events_too", [False, True], ids=["record", "record and events"])
async def test_a_damaged_open_payment_keeps_nobody_from_starting(place: Place, events_too: bool) -> None:
    """It is made anew from its events; where they are damaged too, it is parked for a person. The others go on."""
    journal = journal_at(place)
    journal.open()
    other = replace(PAYMENT, payment_id="other", request_id="other")
    journal.put(other, ev.Created(other))
    for payment, event in to_approved()[:4]:
        journal.put(payment, event)
    await journal.close()
    place.run(f"update payments set record = substr(record, 2) where request_id = '{PAYMENT.request_id}'")
    if events_too:
        place.run(f"update events set payload = hash where payment_id = '{PAYMENT.payment_id}' and event = 'leased'")
    found = journal_at(place).open()
    of_it = next(payment for payment in found.open if payment.request_id == PAYMENT.request_id)
    assert {other.request_id, PAYMENT.request_id} == {payment.request_id for payment in found.open}
    if events_too:
        assert [of_it] == [damaged.payment for damaged in found.damaged]
        assert (PaymentState.NEEDS_HUMAN, "000001") == (of_it.state, of_it.stan)
    else:
        assert ((of_it,), ()) == (found.rebuilt, found.damaged)
        assert to_approved()[3][0] == of_it


async def test_a_journal_that_is_damaged_at_its_end_is_refused(place: Place) -> None:
    """Whatever were written now would stand on sand."""
    journal = journal_at(place)
    journal.open()
    for payment, event in to_approved():
        journal.put(payment, event)
    await journal.close()
    place.run(f"delete from events where position = {len(to_approved())}")
    with pytest.raises(JournalDamagedError, match=r"last event, 4, is not where .*`tpayd journal verify`"):
        journal_at(place).open()


async def test_a_damaged_payment_that_was_paid_stays_paid(place: Place) -> None:
    """The POS has been told so."""
    journal = journal_at(place)
    journal.open()
    for payment, event in to_approved():
        journal.put(payment, event)
    await journal.close()
    place.run("update payments set record = substr(record, 2)", "update events set payload = hash")
    found = journal_at(place).open()
    assert ((), [PaymentState.APPROVED]) == (found.open, [payment.state for payment in found.unacknowledged])
    assert 1 == len(found.damaged)


def test_a_start_reads_only_what_is_open(tmp_path: Path) -> None:
    """However many payments there have been."""
    place = Place.make("sqlite", tmp_path, None)
    JournalStore(place.url).open()
    plan = place.rows(f"explain query plan {select(payments).where(IS_OPEN)}")
    assert [True] == ["USING INDEX payments_open" in step[-1] for step in plan]

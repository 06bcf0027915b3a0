"""What the journal has acknowledged is there after a crash; what it could not write is written later, once."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.unit.transaction.samples import EVENTS, PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore, JournalVersionError, StanBlock, StorageError
from tpayd.transaction.journal.chain import Link, link
from tpayd.transaction.journal.journal import COMMIT_MAX_S
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState

EVENT_DECODER: Any = msgspec.msgpack.Decoder(ev.Event)


def journal_at(path: Path) -> Journal:
    return Journal(JournalStore(f"sqlite:///{path}"), FakeClock(), structlog.get_logger())


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


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as connection:
        return connection.execute(query).fetchall()


async def test_a_committed_payment_is_found_by_the_next_process(tmp_path: Path) -> None:
    """State, record and reserved STANs."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    for payment, event in to_approved()[:4]:
        journal.put(payment, event)
    journal.put_block(StanBlock("test", "TPAY0001", 100))
    await journal.committed()

    found = journal_at(path).open()
    assert [PaymentState.SENDING] == [payment.state for payment in found.open]
    assert {("test", "TPAY0001"): 100} == found.stan_blocks
    await journal.close()


async def test_a_finished_payment_is_found_by_its_key_and_is_not_open(tmp_path: Path) -> None:
    """One transaction holds many events and one value."""
    journal = journal_at(tmp_path / "journal.sqlite3")
    journal.open()
    history = to_approved()
    for payment, event in history:
        journal.put(payment, event)
    await journal.committed()
    assert history[-1][0] == await journal.find(PAYMENT.lane, PAYMENT.request_id)
    assert await journal.find("2", PAYMENT.request_id) is None
    assert () == journal_at(tmp_path / "journal.sqlite3").open().open
    await journal.close()


async def test_each_event_is_chained_to_the_one_before(tmp_path: Path) -> None:
    """Anyone can verify the chain from the rows alone, payloads or not."""
    path = tmp_path / "journal.sqlite3"
    for half in (slice(0, 2), slice(2, None)):
        journal = journal_at(path)
        journal.open()
        for payment, event in to_approved()[half]:
            journal.put(payment, event)
        await journal.close()
    last = Link()
    query = "select lane, payment_id, event, at_ms, payload, payload_hash, previous, hash, seq from events order by seq"
    for lane, payment_id, name, at_ms, payload, payload_hash, previous, digest, seq in rows(path, query):
        assert hashlib.sha256(payload).digest() == payload_hash  # type: ignore[arg-type]
        assert last.hash == previous
        last = link(last, lane, payment_id, name, at_ms, payload_hash)  # type: ignore[arg-type]
        assert (seq, digest) == (last.seq, last.hash)
    assert len(to_approved()) == last.seq


async def test_what_the_disk_refused_is_written_once_it_takes_it(tmp_path: Path) -> None:
    """The waiter hears of the failure, and nothing is lost or doubled."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    with sqlite3.connect(path) as blocker:
        blocker.execute("create trigger full before insert on events begin select raise(abort, 'disk full'); end")
    history = to_approved()
    journal.put(*history[0])
    with pytest.raises(StorageError, match="disk full"):
        await journal.committed()
    assert journal.failing is not None
    with sqlite3.connect(path) as blocker:
        blocker.execute("drop trigger full")
    journal.put(*history[1])
    await journal.committed()
    assert journal.failing is None
    assert [(1, "created"), (2, "leased")] == rows(path, "select seq, event from events order by seq")
    await journal.close()


async def test_a_commit_that_failed_after_its_last_byte_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a look at the chain tells whether it is there."""
    from sqlalchemy.exc import OperationalError

    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    insert = JournalStore._insert

    def insert_and_fail(self: JournalStore, *args: object) -> None:
        insert(self, *args)  # type: ignore[arg-type]
        monkeypatch.setattr(JournalStore, "_insert", insert)
        raise OperationalError("commit", {}, OSError("I/O error"))

    monkeypatch.setattr(JournalStore, "_insert", insert_and_fail)
    journal.put(*to_approved()[0])
    await journal.committed()
    assert [(1,)] == rows(path, "select count(*) from events")
    await journal.close()


async def test_many_waiters_share_one_commit(tmp_path: Path) -> None:
    """Group commit: what is queued together is one transaction, and everybody is woken."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()

    async def one(number: int) -> None:
        payment = replace(PAYMENT, lane=str(number), payment_id=str(number))
        journal.put(payment, ev.Created(payment))
        await journal.committed()

    await asyncio.gather(*(one(number) for number in range(64)))
    assert [(64, 64)] == rows(path, "select count(*), sum(seq) from events")
    await journal.close()


async def test_a_disk_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The payment is told that it is not on disk, and goes there once the disk comes back."""
    path = tmp_path / "journal.sqlite3"
    clock, stalled = FakeClock(), threading.Event()
    journal = Journal(JournalStore(f"sqlite:///{path}"), clock, structlog.get_logger())
    journal.open()
    write = JournalStore.write

    def stall(self: JournalStore, *args: object) -> None:
        stalled.wait(10)
        write(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(JournalStore, "write", stall)
    journal.put(*to_approved()[0])
    waiting = asyncio.create_task(journal.committed())
    looking = asyncio.create_task(journal.find(PAYMENT.lane, PAYMENT.request_id))
    await asyncio.sleep(0)
    clock.advance(COMMIT_MAX_S + 1)
    journal.expire()
    for one in (waiting, looking):
        with pytest.raises(StorageError, match="has not answered"):
            await one
    stalled.set()
    await journal.close()
    assert [(1,)] == rows(path, "select count(*) from events")


async def test_a_damaged_record_is_refused_and_the_journal_goes_on(tmp_path: Path) -> None:
    """One payment's damage must not end the writing for all others."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    journal.put(*to_approved()[0])
    await journal.committed()
    with sqlite3.connect(path) as connection:
        connection.execute("update payments set record = x'00'")
    with pytest.raises(StorageError, match="damaged"):
        await journal.find(PAYMENT.lane, PAYMENT.request_id)
    journal.put(*to_approved()[1])
    await journal.committed()
    await journal.close()


async def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    """With the way out, before anything is written."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    await journal.close()
    with sqlite3.connect(path) as connection:
        connection.execute("update about set value = '99'")
    with pytest.raises(JournalVersionError, match="schema 99"):
        journal_at(path).open()


def test_a_payment_survives_its_own_encoding() -> None:
    """The record is the whole value."""
    for payment, event in to_approved():
        assert payment == msgspec.msgpack.decode(msgspec.msgpack.encode(payment), type=Payment)
        assert event == EVENT_DECODER.decode(msgspec.msgpack.encode(event))

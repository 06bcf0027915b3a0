"""A request id that was never used is known as such without the disk; one that was used is never taken for new."""

from __future__ import annotations

import uuid
from pathlib import Path

import structlog
from msgspec.structs import replace

from tests.harness.clock import FakeClock
from tests.unit.transaction.samples import PAYMENT
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore
from tpayd.transaction.journal.known_keys import KnownKeys

KEYS = [(str(number % 64), str(uuid.UUID(int=number))) for number in range(20_000)]
NEW = [(str(number % 64), str(uuid.UUID(int=number))) for number in range(50_000, 60_000)]


def journal_at(path: Path) -> Journal:
    return Journal(JournalStore(f"sqlite:///{path}"), FakeClock(), structlog.get_logger())


def test_no_key_that_was_put_is_ruled_out() -> None:
    """And of those that were not, hardly any is taken for one that was."""
    known = KnownKeys()
    known.complete = True
    for key in KEYS:
        known.add(*key)
    assert [] == [key for key in KEYS if not known.may_hold(*key)]
    assert sum(known.may_hold(*key) for key in NEW) < len(NEW) // 100


def test_no_key_is_ruled_out_before_all_are_known() -> None:
    """A sale in the first moments after a start is looked up on disk."""
    known = KnownKeys()
    assert known.may_hold("1", "new")


async def test_the_next_process_rules_out_no_key_of_the_one_before(tmp_path: Path) -> None:
    """More keys than fit on a page, of several lanes, whether paid for or buried."""
    path = tmp_path / "journal.sqlite3"
    journal = journal_at(path)
    journal.open()
    for lane, request_id in KEYS[:2_500]:
        payment = replace(PAYMENT, lane=lane, request_id=request_id, payment_id=request_id)
        journal.put(payment, ev.Buried(payment) if lane == "7" else ev.Created(payment))
    await journal.committed()
    await journal.close()

    journal = journal_at(path)
    journal.open()
    assert journal.may_hold(*NEW[0])
    await journal.learn_keys()
    assert [] == [key for key in KEYS[:2_500] if not journal.may_hold(*key)]
    await journal.close()


async def test_a_key_is_known_from_the_moment_it_is_put(tmp_path: Path) -> None:
    """Not only once it is on disk."""
    journal = journal_at(tmp_path / "journal.sqlite3")
    journal.open()
    await journal.learn_keys()
    assert not journal.may_hold(PAYMENT.lane, PAYMENT.request_id)
    journal.put(PAYMENT, ev.Created(PAYMENT))
    assert journal.may_hold(PAYMENT.lane, PAYMENT.request_id)
    await journal.close()

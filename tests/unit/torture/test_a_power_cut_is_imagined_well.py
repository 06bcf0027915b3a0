"""An image of the journal after a power cut: it holds what was told, and one that lacks it is found out."""

from __future__ import annotations

import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from msgspec import structs

from tests.harness.clock import FakeClock
from tests.torture.power_cut import Image, damages
from tests.torture.told import Told
from tests.unit.transaction.samples import PAYMENT, run
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Journal, JournalStore
from tpayd_contracts.payment import Reason


class AtOnce(random.Random):
    """A power cut right behind what was synced."""

    def randrange(self, start: int, *_: int) -> int:  # type: ignore[override]
        return start


@pytest.fixture
def writer() -> Iterator[int]:
    """A process that can be stopped; the test's own must go on."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield child.pid
        child.kill()


def opened(data: Path) -> Journal:
    """A new journal."""
    data.mkdir()
    journal = Journal(JournalStore(f"sqlite:///{data / 'journal.sqlite3'}"), FakeClock(), structlog.get_logger())
    journal.open()
    return journal


async def put_one(journal: Journal) -> Told:
    """A payment whose end is on disk."""
    payment = structs.replace(PAYMENT, payment_id=str(uuid.uuid4()), request_id=str(uuid.uuid4()))
    journal.put(payment, ev.Created(payment))
    stopped = ev.Stopped(Reason.READER_UNAVAILABLE)
    journal.put(run(payment, stopped), stopped)
    await journal.committed()
    return Told("1", payment.request_id, 11_000, "NOT_PAID", "aborted")


async def test_what_was_told_survives_and_what_was_not_may_go(tmp_path: Path, writer: int) -> None:
    """The second payment was written, but nobody had been told of it when the image was begun."""
    journal = opened(tmp_path / "data")
    first = await put_one(journal)
    image = Image(tmp_path / "data", [first])
    second = await put_one(journal)
    image.take(tmp_path / "whole", writer, random.Random(1))
    image.take(tmp_path / "torn", writer, AtOnce())
    await journal.close()
    durable = [replace(told, state="declined") for told in (first, second)]
    assert [] == damages(tmp_path / "whole", durable[:1])
    assert [] == damages(tmp_path / "torn", durable[:1])
    assert 1 == len(damages(tmp_path / "torn", durable))


async def test_a_verdict_that_the_image_contradicts_is_found(tmp_path: Path, writer: int) -> None:
    """The POS was told PAID, and the journal says aborted."""
    journal = opened(tmp_path / "data")
    told = await put_one(journal)
    Image(tmp_path / "data", []).take(tmp_path / "image", writer, random.Random(1))
    await journal.close()
    assert 1 == len(damages(tmp_path / "image", [replace(told, verdict="PAID", state="approved")]))

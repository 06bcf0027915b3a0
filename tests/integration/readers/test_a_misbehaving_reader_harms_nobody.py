"""Late, damaged, doubled, dripping or missing answers on a real line: no card is taken twice or for another's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, error_of, wait_for
from tests.integration.readers.scripted import ScriptedReader
from tests.unit.readers.answers import ACK, EMPTY, INSERTED, OTHER_NONCE, TAPPED, card, finished
from tpayd_contracts.device import DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import EntryMode


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[ScriptedReader]:
    with ScriptedReader(tmp_path / "line") as scripted:
        yield scripted


@pytest.fixture
def store(tmp_path: Path, reader: ScriptedReader) -> Iterator[Store]:
    """The broker with this reader only."""
    devices = [{"name": "reader-1", "port": str(tmp_path / "line")}]
    settings = {"device_broker": {"devices": devices, "reopen_max_s": 0.5}}
    with Store(tmp_path, services=("device_broker",), settings=settings) as store:
        yield store


def test_an_answer_after_a_cancel_reaches_nobody(store: Store, reader: ScriptedReader) -> None:
    """The customer taps in the moment of the cancel: his card is dropped, and the next customer's is read."""
    wait_for(store, "reader-1")

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1")
            reading = asyncio.create_task(counter.read(lease))
            late = card("C", nonce=await asyncio.to_thread(reader.nonce))
            reader.answers[0xA0] = TAPPED + late + ACK + late
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await counter.release(lease)
            following = await counter.acquire("2", ttl_s=10)
            second = asyncio.create_task(counter.read(following))
            nonce = await asyncio.to_thread(reader.nonce)
            reader.send(late)
            done, _ = await asyncio.wait([second], timeout=0.3)
            assert not done
            reader.send(TAPPED + card("C", nonce=nonce))
            assert (await second).entry_mode is EntryMode.CONTACTLESS

    asyncio.run(pay())


def test_a_cancelled_reader_is_reset_before_it_is_lent_again(store: Store, reader: ScriptedReader) -> None:
    wait_for(store, "reader-1")

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1")
            reading = asyncio.create_task(counter.read(lease))
            await asyncio.to_thread(reader.nonce)
            reader.answers[0xA0] = b""
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await asyncio.to_thread(reader.wait_for, 0xA0)
            await counter.release(lease)
            assert device(store, "reader-1").state is DeviceState.QUARANTINE
            reader.send(ACK)
            await counter.acquire("2", ttl_s=5)

    asyncio.run(pay())


def test_a_dripping_damaged_and_doubled_answer_is_read_once(store: Store, reader: ScriptedReader) -> None:
    wait_for(store, "reader-1")

    async def pay() -> str:
        async with counter_of(store) as counter:
            reading = asyncio.create_task(counter.read(await counter.acquire()))
            whole = card("C", nonce=await asyncio.to_thread(reader.nonce))
            reader.send(b"\x02\xff" + INSERTED[:3] + whole[:-1] + b"\x00")
            assert await asyncio.to_thread(reader.wait_for, 0x15) == b""
            for place in range(0, len(whole), 16):
                reader.send(whole[place : place + 16])
                await asyncio.sleep(0.002)
            reader.send(whole)
            return (await reading).masked_pan

    assert asyncio.run(pay()) == "411111******1111"


def test_the_cards_last_word_that_does_not_come_is_unknown(store: Store, reader: ScriptedReader) -> None:
    """Nobody knows what the card did: the caller is told so, and has to reverse."""
    wait_for(store, "reader-1")
    reader.answers[0x20] = lambda _: finished(nonce=OTHER_NONCE)

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire()
            reading = asyncio.create_task(counter.read(lease))
            reader.send(INSERTED + card("I", nonce=await asyncio.to_thread(reader.nonce)))
            await reading
            began = time.monotonic()
            completing = asyncio.create_task(error_of(counter.complete(lease)))
            while not completing.done():
                await counter.renew(lease)
                await asyncio.wait([completing], timeout=1)
            error = await completing
            assert (ErrorCode.READER_UNAVAILABLE, Outcome.UNKNOWN) == (error.code, error.outcome)
            assert time.monotonic() - began < 20

    asyncio.run(pay())


def test_a_reader_that_says_nothing_is_absent_and_says_why(store: Store, reader: ScriptedReader) -> None:
    wait_for(store, "reader-1")
    reader.answers[0xA0] = b""

    async def pay() -> None:
        async with counter_of(store) as counter:
            error = await error_of(counter.read(await counter.acquire(), wait_s=0.2))
            assert error.code is ErrorCode.CARD_TIMEOUT

    asyncio.run(pay())
    wait_for(store, "reader-1", DeviceState.ABSENT, timeout_s=15)
    assert "nobody answers" in (device(store, "reader-1").detail or "")


def test_a_card_put_in_unasked_keeps_the_reader_out_of_the_pool(store: Store, reader: ScriptedReader) -> None:
    wait_for(store, "reader-1")
    reader.answers[0x26] = reader.answers[0x24] = INSERTED
    reader.send(INSERTED)
    wait_for(store, "reader-1", DeviceState.QUARANTINE)
    # The quarantine is told at once, and its reason when the reader has been asked for its state.
    eventually(
        lambda: "card is inside" in (device(store, "reader-1").detail or ""), timeout_s=30.0, what="the reason told"
    )
    reader.answers[0x26] = EMPTY
    reader.send(EMPTY)
    wait_for(store, "reader-1")

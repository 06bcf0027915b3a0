"""Dripping, glued, damaged, doubled and late frames on a real line while a customer signs or keys his PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, wait_for
from tests.integration.readers.scripted import ScriptedReader
from tests.unit.readers.answers import (
    ACK,
    CANCELLED,
    EMPTY,
    ENTERED,
    INSERTED,
    NAK,
    OTHER_NONCE,
    PIN,
    PIN_ASKED,
    card,
    entry,
    strokes,
)
from tpayd_contracts.device import Ability, DeviceState, TransactionType
from tpayd_contracts.payment import EntryMode

ALL = (Ability.IC, Ability.SIGN, Ability.PIN, Ability.QR)
PEN = [(10, 10), (20, 20), (30, 10)]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[ScriptedReader]:
    with ScriptedReader(tmp_path / "line") as scripted:
        scripted.answers[0xAC] = CANCELLED
        scripted.answers[0xA7] = lambda data: entry(0xB7, nonce=data[:32].decode())
        yield scripted


@pytest.fixture
def store(tmp_path: Path, reader: ScriptedReader) -> Iterator[Store]:
    """The broker with this reader only."""
    devices = [{"name": "reader-1", "port": str(tmp_path / "line"), "abilities": [ability.value for ability in ALL]}]
    settings = {"device_broker": {"devices": devices, "reopen_max_s": 0.5}}
    with Store(tmp_path, services=("device_broker",), settings=settings) as store:
        wait_for(store, "reader-1")
        yield store


async def drip(reader: ScriptedReader, data: bytes) -> None:
    for place in range(0, len(data), 11):
        reader.send(data[place : place + 11])
        await asyncio.sleep(0.001)


def test_a_signature_is_taken_once_from_a_bad_line(store: Store, reader: ScriptedReader) -> None:
    async def sign() -> None:
        async with counter_of(store) as counter:
            signing = asyncio.create_task(counter.sign(await counter.acquire(abilities=ALL)))
            nonce = (await asyncio.to_thread(reader.wait_for, 0xA2)).decode()
            whole = strokes(*PEN, nonce=nonce)
            reader.send(b"\x15\xff" + whole[:-1] + b"\x00")
            assert await asyncio.to_thread(reader.wait_for, 0x15) == b""
            reader.send(strokes((1, 1), nonce=OTHER_NONCE) + card("C") + entry(0xB7, nonce=nonce))
            await drip(reader, whole)
            reader.send(whole)
            assert (await signing).points == 3

    asyncio.run(sign())


def test_a_pin_is_taken_once_from_a_bad_line(store: Store, reader: ScriptedReader) -> None:
    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire(abilities=ALL)
            reading = asyncio.create_task(counter.read(lease, type_=TransactionType.UNIONPAY))
            whole = card("I", nonce=await asyncio.to_thread(reader.nonce), pin=PIN)
            reader.send(INSERTED + PIN_ASKED[:4])
            reader.send(PIN_ASKED[4:] + ENTERED + whole[:-1] + b"\xff")
            await asyncio.to_thread(reader.wait_for, 0x15)
            reader.send(card("I", nonce=OTHER_NONCE, pin=PIN[:12] + bytes(16)))
            await drip(reader, whole)
            reader.send(whole)
            assert PIN[12:] == (await reading).pin_block

    asyncio.run(pay())


def test_a_late_signature_is_not_the_next_customers(store: Store, reader: ScriptedReader) -> None:
    """It comes in the moment of the cancel, behind its end, and again while the next one signs."""

    async def begun() -> str:
        return (await asyncio.to_thread(reader.wait_for, 0xA2)).decode()

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1", abilities=ALL)
            signing = asyncio.create_task(counter.sign(lease))
            late = strokes(*PEN, nonce=await begun())
            reader.answers[0xAC] = late + CANCELLED + late
            signing.cancel()
            await asyncio.gather(signing, return_exceptions=True)
            await asyncio.to_thread(reader.wait_for, 0xAC)
            await counter.release(lease)
            following = await counter.acquire("2", abilities=ALL)
            second = asyncio.create_task(counter.sign(following))
            nonce = await begun()
            reader.send(late)
            done, _ = await asyncio.wait([second], timeout=0.3)
            assert not done
            reader.send(strokes((1, 1), nonce=nonce))
            assert (await second).points == 1

    asyncio.run(pay())


def test_a_lease_given_back_before_the_pad_has_ended_waits_for_its_word(store: Store, reader: ScriptedReader) -> None:
    reader.answers[0xAC] = b""

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1", abilities=ALL)
            signing = asyncio.create_task(counter.sign(lease))
            await asyncio.to_thread(reader.wait_for, 0xA2)
            signing.cancel()
            await asyncio.gather(signing, return_exceptions=True)
            await asyncio.to_thread(reader.wait_for, 0xAC)
            await counter.release(lease)
            assert device(store, "reader-1").state is DeviceState.QUARANTINE
            reader.send(CANCELLED)
            await counter.acquire("2", ttl_s=5, abilities=ALL)

    asyncio.run(pay())


def test_a_reader_deaf_to_a_cancel_is_reset_before_it_is_lent_again(store: Store, reader: ScriptedReader) -> None:
    reader.answers[0xAC] = NAK

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1", abilities=ALL)
            signing = asyncio.create_task(counter.sign(lease))
            await asyncio.to_thread(reader.wait_for, 0xA2)
            reader.answers[0xA0] = ACK
            signing.cancel()
            await asyncio.gather(signing, return_exceptions=True)
            await counter.release(lease)
            following = await counter.acquire("2", ttl_s=10, abilities=ALL)
            await asyncio.to_thread(reader.wait_for, 0xA0)
            reading = asyncio.create_task(counter.read(following))
            reader.send(EMPTY + card("C", nonce=await asyncio.to_thread(reader.nonce)))
            assert (await reading).entry_mode is EntryMode.CONTACTLESS

    asyncio.run(pay())

"""A search finds readers on free ports, proposes what to configure, and leaves alone what is in use (T13)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import serial

from tests.harness import Store, eventually
from tests.integration.readers.counter import counter_of, device, load_key, wait_for
from tests.integration.readers.desk import assign, at, scan
from tpayd.kit.bus import CallError
from tpayd_contracts.device import Ability, DeviceState
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.fleet import DEVICE_SCAN, PortState, ScanDevices, ScanResult

_CONFIGURED, _NEW, _FAST, _PAD = (f"sandbox/readers/{name}" for name in ("reader-1", "new", "reader-2", "pad"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A reader in service, one that is configured at the wrong speed, and two that nobody has configured."""
    readers = [
        {"name": "reader-1"}, {"name": "reader-2", "baud": 115_200}, {"name": "new"},
        {"name": "pad", "abilities": ["sign", "pin"], "model": "TPAYD-PAD"},
    ]  # fmt: skip
    settings = {"sandbox_readers": {"readers": readers}}
    services = ("sandbox_readers", "device_broker")
    with Store(tmp_path_factory.mktemp("shop"), services=services, settings=settings) as store:
        wait_for(store, "reader-1", timeout_s=30)
        assert load_key(store, "reader-1").confirmed
        at_another_speed = "reader-2 is heard at another speed"
        eventually(lambda: "speed" in (device(store, "reader-2").detail or ""), timeout_s=30, what=at_another_speed)
        yield store


def test_what_is_found_is_proposed_and_what_is_in_use_is_not_touched(shop: Store) -> None:
    """A payment has the reader meanwhile: its lease, its card wait and its key stay."""

    async def search() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire()
            assert lease.device == "reader-1"
            reading = asyncio.create_task(counter.read(lease, wait_s=60, ttl_s=90))
            result = await asyncio.to_thread(scan, shop, _CONFIGURED, _NEW, _PAD)
            assert (PortState.KNOWN, "reader-1") == (at(result, _CONFIGURED).state, at(result, _CONFIGURED).device)
            assert result.complete
            await asyncio.to_thread(shop.sandbox.present, "reader-1", "visa-tap")
            assert (await reading).masked_pan
            await counter.release(lease)
        new, pad = at(result, _NEW), at(result, _PAD)
        assert (PortState.FOUND, "TPAYD-SANDBOX-1", "SBX0000003") == (new.state, new.model, new.serial_number)
        assert (PortState.FOUND, (Ability.SIGN, Ability.PIN)) == (pad.state, pad.abilities)
        assert ["reader-3", "pad-1"] == [wish.name for wish in result.proposal]
        assert [_NEW, _PAD] == [wish.port for wish in result.proposal]
        assert ["SBX0000003", "SBX0000004"] == [wish.serial_number for wish in result.proposal]

    asyncio.run(search())


def test_a_wrong_speed_is_found_out_and_corrected(shop: Store) -> None:
    """The device says that nobody answers; the search says at which speed somebody does; other readers go on."""
    assert device(shop, "reader-2").state is DeviceState.ABSENT
    result = scan(shop, _FAST)
    found = at(result, _FAST)
    assert (PortState.FOUND, "reader-2", 115_200) == (found.state, found.device, found.baud)
    assert [("reader-2", 115_200)] == [(wish.name, wish.baud) for wish in result.proposal]
    assert assign(shop, *result.proposal).changes == ("devices.reader-2.baud: not set -> 115200",)
    wait_for(shop, "reader-2", timeout_s=30)
    assert device(shop, "reader-1").state is DeviceState.READY


def test_a_port_of_another_program_is_reported_with_that_program(shop: Store) -> None:
    with serial.Serial(str(shop.instance.home / _NEW), exclusive=True):
        found = at(scan(shop, _NEW), _NEW)
    assert PortState.IN_USE is found.state
    assert (found.text or "").startswith("in use by another program (")


def test_a_port_that_is_not_there_says_so(shop: Store) -> None:
    found = at(scan(shop, "sandbox/readers/nowhere"), "sandbox/readers/nowhere")
    assert (PortState.FAILED, "not there") == (found.state, found.text)


def test_one_search_at_a_time(shop: Store) -> None:
    async def both() -> list[ErrorCode]:
        shop.sandbox.mute("new", mute=True)  # silence takes longest
        try:
            ends = await asyncio.gather(
                *(asyncio.to_thread(scan, shop, _NEW) for _ in range(2)), return_exceptions=True
            )
        finally:
            shop.sandbox.mute("new", mute=False)
        return [end.code for end in ends if isinstance(end, CallError)]

    assert [ErrorCode.BUSY] == asyncio.run(both())


def test_a_search_that_is_called_off_ends_at_once(shop: Store) -> None:
    """It has told how far it was, and the next one may begin."""

    async def call_off() -> None:
        heard = asyncio.Event()
        async with counter_of(shop) as counter:
            searching = asyncio.create_task(
                counter.caller.call(DEVICE_SCAN, ScanDevices((_NEW,)), ttl_s=60, on_progress=lambda _: heard.set())
            )
            await asyncio.wait_for(heard.wait(), 30)
            searching.cancel()
            await asyncio.wait({searching}, timeout=30)
            assert searching.cancelled()

    shop.sandbox.mute("new", mute=True)
    try:
        asyncio.run(call_off())
    finally:
        shop.sandbox.mute("new", mute=False)

    def again() -> ScanResult | None:
        try:
            return scan(shop, _NEW)
        except CallError as error:
            if error.code is ErrorCode.BUSY:  # the word has not arrived yet
                return None
            raise

    result = eventually(again, timeout_s=30, what="another search")
    assert result is not None
    assert PortState.FOUND is at(result, _NEW).state


def test_a_driver_that_is_not_installed_is_named(shop: Store) -> None:
    with pytest.raises(CallError, match="abacus") as caught:
        shop.ask("device_broker", DEVICE_SCAN, ScanDevices((_NEW,), ("abacus",)), name="gateway")
    assert ErrorCode.INVALID_BODY is caught.value.code

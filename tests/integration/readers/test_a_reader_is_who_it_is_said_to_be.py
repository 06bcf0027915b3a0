"""A reader is found by its serial number wherever it is plugged in, and another one in its place is not used (T6)."""

from __future__ import annotations

import asyncio

import pytest
import serial

from tests.harness import Store
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, wait_for
from tests.integration.readers.desk import assign, show
from tpayd_contracts.device import DeviceState
from tpayd_contracts.fleet import AssignDevice


def test_a_reader_named_by_its_serial_number_is_followed_to_another_port(shop: Store) -> None:
    """The other lane's reader is in a payment meanwhile, and is not asked anything."""
    ports = shop.instance.sandbox / "readers"

    async def move() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("2", avoid=("reader-1",))
            await asyncio.to_thread(assign, shop, AssignDevice("reader-1", "serial:SBX0000001"))
            await asyncio.to_thread(wait_for, shop, "reader-1", timeout_s=30)
            assert str(ports / "reader-1") == show(shop, "reader-1").where
            (ports / "reader-1").rename(ports / "moved")
            await asyncio.to_thread(
                lambda: eventually(
                    lambda: show(shop, "reader-1").where == str(ports / "moved"), timeout_s=40, what="the other port"
                )
            )
            await asyncio.to_thread(wait_for, shop, "reader-1", timeout_s=30)
            assert () == await counter.renew(lease)
            await counter.release(lease)

    try:
        asyncio.run(move())
    finally:
        (ports / "moved").unlink(missing_ok=True)


def test_a_serial_number_that_nobody_has_is_told_as_missing(shop: Store) -> None:
    assign(shop, AssignDevice("reader-1", "serial:SBX9999999"))
    wait_for(shop, "reader-1", DeviceState.ABSENT, timeout_s=30)
    assert "no reader with serial number SBX9999999" in (device(shop, "reader-1").detail or "")
    assert DeviceState.READY is device(shop, "reader-2").state


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (AssignDevice("reader-1", serial_number="SBX0000007"), "serial number SBX0000001, not SBX0000007"),
        (AssignDevice("reader-1", model="GOLDEN-9"), "TPAYD-SANDBOX-1, not GOLDEN-9"),
    ],
    ids=["serial number", "model"],
)
def test_another_reader_in_its_place_is_not_used(shop: Store, wish: AssignDevice, words: str) -> None:
    """It says which one answers and what to type; the other lanes go on; the right word brings it back."""
    assign(shop, wish)
    eventually(lambda: words in (device(shop, "reader-1").detail or ""), timeout_s=30, what=words)
    assert DeviceState.ABSENT is device(shop, "reader-1").state
    assert "tpayd devices assign reader-1" in (device(shop, "reader-1").detail or "")
    assert DeviceState.READY is device(shop, "reader-2").state
    assign(shop, AssignDevice("reader-1", serial_number="", model=""))
    wait_for(shop, "reader-1", timeout_s=30)


def test_a_port_that_another_program_has_is_told_with_that_program(shop: Store) -> None:
    """And taken as soon as it is free."""
    shop.kill("device_broker")
    with serial.Serial(str(shop.instance.sandbox / "readers" / "reader-1"), exclusive=True):
        shop.start("device_broker")
        wait_for(shop, "reader-2", timeout_s=30)
        wait_for(shop, "reader-1", DeviceState.ABSENT, timeout_s=30)
        assert "in use by another program (" in (device(shop, "reader-1").detail or "")
        assert "): close it" in (device(shop, "reader-1").detail or "")
    wait_for(shop, "reader-1", timeout_s=30)


def test_a_usb_place_without_a_port_says_what_there_is(shop: Store) -> None:
    assign(shop, AssignDevice("reader-1", "usb:99-9.9"))
    wait_for(shop, "reader-1", DeviceState.ABSENT, timeout_s=30)
    assert "no serial port at USB place 99-9.9" in (device(shop, "reader-1").detail or "")

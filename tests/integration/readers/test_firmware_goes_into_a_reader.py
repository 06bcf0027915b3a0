"""New firmware goes into a reader that nobody pays at, over power cuts and a dead broker, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.harness import Store
from tests.harness.firmware import MODEL, VENDOR_KEY, Firmware
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, error_of, load_key, wait_for
from tpayd.kit.bus import CallError, ask
from tpayd_contracts.device import BarCause, Device, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.firmware import (
    FIRMWARE_IDENTIFY,
    FIRMWARE_TRANSFER,
    TransferFirmware,
    TransferredFirmware,
    WhichReader,
)
from tpayd_contracts.pooling import DEVICE_MAINTENANCE, Maintenance

SERVICES = ("sandbox_readers", "device_broker")
READERS = [
    {"name": "reader-1", "model": MODEL, "mode": "RS232", "flash_ms": 0},
    {"name": "reader-2", "model": "DUALI-77", "flash_ms": 0},
]
SETTINGS: dict[str, dict[str, object]] = {
    "sandbox_readers": {"readers": READERS},
    "device_broker": {"firmware_patience_s": 60.0, "reopen_max_s": 0.3},
}
LIMIT_S = 60.0
NEW = Firmware("01.02")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Store]:
    """reader-1 is of SCSpro's make, reader-2 of DUALi's."""
    with Store(tmp_path, services=SERVICES, settings=SETTINGS) as store:
        for name in store.plan.reader_names:
            wait_for(store, name, timeout_s=30)
        yield store


def order(store: Store, firmware: Firmware = NEW, content: bytes | None = None, **changed: Any) -> TransferFirmware:
    """The order as the updater gives it, with the image where the updater puts it."""
    image = f"updates/files/{firmware.sha256.hex()}/{firmware.name}.bin"
    path = store.instance.home / image
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(firmware.content if content is None else content)
    body = TransferFirmware(
        device="reader-1", model=firmware.model, mode=firmware.mode, version=firmware.version, image=image,
        sha256=firmware.sha256, ticket=firmware.ticket, vendor_key=VENDOR_KEY,
    )  # fmt: skip
    return msgspec.structs.replace(body, **changed)


def transfer(store: Store, body: TransferFirmware) -> TransferredFirmware:
    return store.ask("device_broker", FIRMWARE_TRANSFER, body, name="updater", timeout_s=LIMIT_S)


def give_up(store: Store, body: TransferFirmware) -> None:
    """Order it, and wait for no answer."""
    with pytest.raises(CallError):
        store.ask("device_broker", FIRMWARE_TRANSFER, body, name="updater", timeout_s=8.0)


def refusal(store: Store, body: TransferFirmware) -> CallError:
    with pytest.raises(CallError) as caught:
        transfer(store, body)
    return caught.value


def firmware_bars(shown: Device) -> list[str]:
    return [bar.why for bar in shown.bars if bar.cause is BarCause.FIRMWARE]


def free(store: Store, name: str = "reader-1") -> bool:
    """Whether payments get it."""
    shown = device(store, name)
    return shown.state is DeviceState.READY and not shown.bars


def version_at(store: Store) -> str | None:
    """What reader-1 says that it has; None while nobody can tell."""
    try:
        return device(store, "reader-1").firmware
    except CallError:  # the broker is starting
        return None


def wait_free(store: Store, version: str) -> None:
    eventually(lambda: free(store), timeout_s=30, what=lambda: f"reader-1 is free: {device(store, 'reader-1')}")
    assert version == device(store, "reader-1").firmware


def test_it_starts_with_the_new_version_and_its_key(shop: Store) -> None:
    load_key(shop, "reader-1")
    before = eventually(lambda: device(shop, "reader-1").key_check_value, timeout_s=30, what="a key")
    done = transfer(shop, order(shop))
    assert ("01.02", 0) == (done.firmware, done.resumed_at_bytes)
    wait_free(shop, "01.02")
    assert before == device(shop, "reader-1").key_check_value
    note = shop.instance.data / "firmware.json"
    eventually(lambda: "[]" == note.read_text(encoding="utf-8").strip(), timeout_s=30, what="nothing noted")


def test_a_reader_that_a_payment_has_is_left_alone(shop: Store) -> None:
    async def pay() -> None:
        async with counter_of(shop) as counter:
            lease = await counter.acquire("1", avoid=("reader-2",))
            error = await asyncio.to_thread(refusal, shop, order(shop))
            assert (ErrorCode.BUSY, Outcome.NOT_STARTED, True) == (error.code, error.outcome, error.retryable)
            assert "in use by lane 1" in error.message
            await counter.release(lease)

    asyncio.run(pay())
    wait_free(shop, "01.00")


def test_nobody_pays_at_it_meanwhile_and_is_told_why(tmp_path: Path) -> None:
    """In the middle of a transfer the power goes: other readers serve, and the rest goes over when it is back."""
    with Store(tmp_path, services=SERVICES, settings=SETTINGS) as store:
        wait_for(store, "reader-1", timeout_s=30)
        store.sandbox.power_fails_at("reader-1", 9_000)

        async def go() -> None:
            work = asyncio.create_task(asyncio.to_thread(transfer, store, order(store)))
            await asyncio.to_thread(
                eventually, lambda: not store.sandbox.readers().readers[0].plugged, timeout_s=30, what="the power cut"
            )
            async with counter_of(store) as counter:
                error = await error_of(counter.acquire("1", avoid=("reader-2",)))
                assert (ErrorCode.READER_UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)
                assert "reader-1: its firmware is being updated to 01.02" in error.message
                assert "reader-2" == (await counter.acquire("2")).device
            other = await asyncio.to_thread(refusal, store, order(store, Firmware("01.03")))
            assert (ErrorCode.BUSY, True) == (other.code, "another image" in other.message)
            await asyncio.to_thread(store.sandbox.plug, "reader-1")
            done = await work
            assert ("01.02", 0) == (done.firmware, done.resumed_at_bytes)

        asyncio.run(go())
        wait_free(store, "01.02")


def test_a_dead_broker_leaves_a_reader_that_nobody_gets(tmp_path: Path) -> None:
    """The power goes, and the broker is killed: the next one knows, and the next transfer goes on where it was."""
    held = 19_999
    with Store(tmp_path, services=SERVICES, settings=SETTINGS) as store:
        wait_for(store, "reader-1", timeout_s=30)
        store.sandbox.power_fails_at("reader-1", held + 1)
        body = order(store)

        # Not in a thread of its own: what a thread has started ends with it.
        with ThreadPoolExecutor(1) as aside:
            work = aside.submit(give_up, store, body)
            eventually(lambda: not store.sandbox.readers().readers[0].plugged, timeout_s=30, what="the power cut")
            store.restart("device_broker")
            store.sandbox.plug("reader-1")
            work.result()
        eventually(
            lambda: version_at(store) == "BOOT", timeout_s=30, what="the boot loader is seen"
        )  # fmt: skip
        shown = device(store, "reader-1")
        assert ["an update of its firmware to 01.02 was cut off: `tpayd firmware update reader-1` finishes it"] == (
            firmware_bars(shown)
        )
        assert shown.state is not DeviceState.READY
        known = store.ask("device_broker", FIRMWARE_IDENTIFY, WhichReader(device="reader-1"), name="updater")
        assert (True, MODEL, "RS232") == (known.boot_loader, known.model, known.mode)
        done = transfer(store, body)
        assert ("01.02", held // 1024 * 1024) == (done.firmware, done.resumed_at_bytes)
        wait_free(store, "01.02")


def test_a_broker_that_dies_before_the_first_byte_has_done_nothing(shop: Store) -> None:
    """The reader says that it has what it had: it is lent again, by itself."""
    shop.kill("device_broker")
    note = [{"device": "reader-1", "version": "01.02", "before": "01.00", "since_ms": 1}]
    (shop.instance.data / "firmware.json").write_bytes(msgspec.json.encode(note))
    shop.start("device_broker")
    wait_for(shop, "reader-1", timeout_s=30)
    wait_free(shop, "01.00")


@pytest.mark.parametrize(
    ("changed", "content", "text"),
    [
        ({"vendor_key": bytes(32)}, None, "is not known to be a reader of this vendor"),
        ({"ticket": bytes(64)}, None, "does not believe the vendor's signature"),
        ({"model": "SCSPRO-200"}, None, "the image is for SCSPRO-200"),
        ({"mode": "USB"}, None, "the image is for mode USB, and it is in mode RS232"),
        ({"version": "09.99"}, None, "does not believe the vendor's signature"),
        ({}, b"another file", "is not the file that was signed"),
        ({"image": f"updates/files/{'0' * 64}/none.bin"}, None, "the image cannot be used"),
    ],
)
def test_what_is_refused_leaves_the_reader_as_it_was(
    fresh: Store, changed: dict[str, Any], content: bytes | None, text: str
) -> None:
    error = refusal(fresh, order(fresh, content=content, **changed))
    assert text in error.message
    assert error.outcome is not Outcome.UNKNOWN
    wait_free(fresh, "01.00")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("fresh"), services=SERVICES, settings=SETTINGS) as store:
        for name in store.plan.reader_names:
            wait_for(store, name, timeout_s=30)
        yield store


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"device": None}, "$.device"),
        ({"port": "sandbox/readers/reader-1"}, "$.device"),
        ({"device": None, "port": "x", "driver": "nonesuch"}, "$.driver"),
        ({"device": None, "port": "x", "driver": "neo"}, "$.driver"),
        ({"device": "reader-9"}, "$.device"),
    ],
)
def test_an_order_that_names_no_reader_is_refused(fresh: Store, changed: dict[str, Any], field: str) -> None:
    assert field == refusal(fresh, order(fresh, **changed)).field


def test_a_reader_is_identified_by_hand(fresh: Store) -> None:
    """Port and speed instead of a name: a configured reader is known by its port, another one is asked."""
    known = WhichReader(port="sandbox/readers/reader-1", driver="stx", baud=38_400)
    told = ask(fresh.instance.rpc("device_broker"), FIRMWARE_IDENTIFY, known, name="updater", timeout_s=LIMIT_S)
    assert ("reader-1", MODEL, "01.00", "RS232", False) == (
        told.device, told.model, told.firmware, told.mode, told.boot_loader,
    )  # fmt: skip


def test_another_version_than_was_meant_is_told_and_kept_from_payments(shop: Store) -> None:
    """Until a person says otherwise: updated again, or given back as it is."""
    error = refusal(shop, order(shop, Firmware("01.02", reports="01.01")))
    assert (Outcome.FAILED, "another_version") == (error.outcome, error.detail)
    assert "reports firmware 01.01 after an update to 01.02" in error.message
    wait_for(shop, "reader-1", timeout_s=30)
    [why] = eventually(lambda: firmware_bars(device(shop, "reader-1")), timeout_s=30, what="the bar")
    assert "after an update to 01.02 it reports 01.01" in why
    shop.restart("device_broker")
    wait_for(shop, "reader-1", timeout_s=30)
    assert [why] == firmware_bars(device(shop, "reader-1"))
    shop.ask("device_broker", DEVICE_MAINTENANCE, Maintenance("reader-1", False), name="gateway")
    wait_free(shop, "01.01")

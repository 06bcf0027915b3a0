"""200 lanes and 256 readers: what grows with them comes whole, though a frame holds less."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.harness.command_line import tpayd
from tests.harness.waiting import eventually
from tests.integration.key_manager.macs import key_of, plant_keys
from tpayd_contracts.firmware import FIRMWARE_CHECK, CheckFirmware, FirmwareReport
from tpayd_contracts.keys import KEY_LIST, KeyList, KeysQuery, KeyState

LANES, READERS = 200, 256
SERVICES = ("sandbox_readers", "device_broker", "key_manager", "updater", "gateway")
READER_NAMES = {f"reader-{number}" for number in range(1, READERS + 1)}
TERMINALS = [f"TPAY{lane:04d}" for lane in range(1, LANES + 1)]
KEYS = [
    key_of(terminal, ikid=bytes((number, *terminal.encode()[1:])), state=state)
    for terminal in TERMINALS
    for number, state in enumerate((KeyState.ACTIVE, KeyState.RETIRED, KeyState.RETIRED))
]
"""As many as 200 terminals and 256 readers have after a renewal of some."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The processes that tell of readers and keys. No reader has a key, so each of them is barred."""
    store = Store(tmp_path_factory.mktemp("shop"), services=SERVICES, lanes=LANES, readers=READERS)
    plant_keys(store, *KEYS)
    with store:
        store.wait_ready(degraded=True, timeout_s=60)
        with store.client() as pos:
            eventually(
                lambda: all(device.reader_id for device in pos.devices().devices),
                timeout_s=60, what="all readers known",
            )  # fmt: skip
        yield store


def test_keys_come_in_pages(shop: Store) -> None:
    """All of them, each once, to a POS and at the command line."""
    first = shop.ask("key_manager", KEY_LIST, KeysQuery(), name="gateway")
    assert first.next == first.keys[-1].key_id
    assert first.store_schema > 0
    last: KeyList = first
    pages = [first]
    while last.next is not None:
        last = shop.ask("key_manager", KEY_LIST, KeysQuery(last.next), name="gateway")
        pages.append(last)
    expected = sorted(key.key_id for key in KEYS)
    assert expected == [key.key_id for page in pages for key in page.keys]
    with shop.client() as pos:
        assert (expected, None) == ([key.key_id for key in pos.keys().keys], pos.keys().next)
    told = tpayd("keys", "list", "--json", home=shop.instance.home).json
    assert expected == [key["key_id"] for key in told["keys"]]


def test_each_reader_is_barred(shop: Store) -> None:
    """The key manager tells the broker of all of them in one request."""

    def barred() -> bool:
        with shop.client() as pos:
            return {device.name for device in pos.devices().devices if device.bars} == READER_NAMES

    eventually(barred, timeout_s=60, what="every reader barred for want of a key")


def test_firmware_is_checked_in_pages(shop: Store) -> None:
    """Each reader once, with what there is for it."""
    reports: list[FirmwareReport] = []
    after = None
    while not reports or after is not None:
        asked = CheckFirmware(refresh=False, after=after)
        reports.append(shop.ask("updater", FIRMWARE_CHECK, asked, name="gateway", timeout_s=60))
        after = reports[-1].next
    named = [reader.device for report in reports for reader in report.readers]
    assert (True, sorted(READER_NAMES)) == (len(reports) > 1, named)

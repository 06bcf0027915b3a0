"""256 readers, more than a frame holds, are listed whole to a POS and at the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness import Store
from tests.harness.command_line import tpayd
from tpayd_contracts.device import DEVICE_LIST, DevicesQuery

_NAMES = [f"reader-{number}" for number in range(1, 257)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """As many devices as the settings allow, at ports that do not exist."""
    devices = [
        {
            "name": name,
            "label": f"Counter {name}, second floor",
            "port": f"/dev/serial/by-id/usb-none-{name}",
            "pool": "all",
        }
        for name in _NAMES
    ]
    settings = {"device_broker": {"pools": [{"name": "all"}], "devices": devices, "lanes": []}}
    with Store(tmp_path_factory.mktemp("shop"), services=("device_broker", "gateway"), settings=settings) as store:
        store.wait_ready(degraded=True)
        yield store


def test_a_pos_is_told_of_all(shop: Store) -> None:
    with shop.client() as pos:
        found = pos.devices()
    assert (sorted(_NAMES), None) == ([device.name for device in found.devices], found.next)


def test_a_page_ends_where_the_next_begins(shop: Store) -> None:
    first = shop.ask("device_broker", DEVICE_LIST, DevicesQuery(), name="gateway")
    second = shop.ask("device_broker", DEVICE_LIST, DevicesQuery(first.next), name="gateway")
    assert first.next == first.devices[-1].name
    assert sorted(_NAMES)[len(first.devices)] == second.devices[0].name


def test_the_command_line_lists_all(shop: Store) -> None:
    told = tpayd("devices", "list", "--json", home=shop.instance.home).json
    assert sorted(_NAMES) == [device["name"] for device in told["devices"]]

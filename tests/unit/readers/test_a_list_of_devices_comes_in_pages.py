"""A store of any size sees all its devices: a page fits a frame, and no device is told twice or left out."""

from __future__ import annotations

import pytest

from tpayd.device_broker.listing import page
from tpayd.kit.bus.wire import encode_body
from tpayd.kit.paging import PAGE_MAX_BYTES
from tpayd_contracts.device import Ability, Bar, BarCause, Device, DeviceFault, DeviceList, DeviceState
from tpayd_contracts.envelope import MAX_FRAME_BYTES

_NAMES = [f"reader-{number}" for number in range(1, 257)]


def _device(name: str, detail: str = "") -> Device:
    return Device(
        name=name, label="Counter " + name, state=DeviceState.READY, driver="stx", port=f"/dev/serial/by-id/{name}",
        abilities=tuple(Ability), pool="pool-1", model="STX-1000", serial_number="0123456789", firmware="01.02",
        reader_id="0" * 32, key_check_value="A" * 6, detail=detail or None, leased_to="101",
        bars=(Bar(name, BarCause.KEY, "its key has expired: `tpayd keys exchange`"),),
    )  # fmt: skip


def _pages(detail: str = "", faults: tuple[DeviceFault, ...] = ()) -> list[DeviceList]:
    pages = [page(_NAMES, None, lambda name: _device(name, detail), faults, 3)]
    while (after := pages[-1].next) is not None:
        pages.append(page(_NAMES, after, lambda name: _device(name, detail), faults, 3))
    return pages


@pytest.mark.parametrize("detail", ["", "no answer at this port: check its cable, then its power. " * 20])
def test_each_device_is_on_one_page_and_each_page_in_a_frame(detail: str) -> None:
    pages = _pages(detail)
    assert sorted(_NAMES) == [device.name for each in pages for device in each.devices]
    assert all(len(encode_body(each)) < MAX_FRAME_BYTES for each in pages)


def test_a_usual_store_needs_one_page() -> None:
    told = page(_NAMES[:64], None, _device, (), 0)
    assert (64, None) == (len(told.devices), told.next)


def test_faults_are_on_the_first_page_and_leave_room_for_devices() -> None:
    faults = tuple(DeviceFault(f"lanes.{lane}", "no such pool: " + "x" * 100, str(lane)) for lane in range(999))
    first, *others = _pages(faults=faults)
    assert faults[: len(first.faults)] == first.faults
    assert len(first.faults) > 50
    assert len(encode_body(first)) < MAX_FRAME_BYTES
    assert [()] * len(others) == [each.faults for each in others]


def test_a_device_that_goes_between_two_pages_takes_no_other_along() -> None:
    first = page(_NAMES, None, _device, (), 0)
    assert first.next is not None
    left = [name for name in _NAMES if name != first.next]
    second = page(left, first.next, _device, (), 0)
    assert min(name for name in left if name > first.next) == second.devices[0].name


def test_one_device_larger_than_a_page_is_told_alone() -> None:
    told = page(_NAMES[:2], None, lambda name: _device(name, "x" * PAGE_MAX_BYTES), (), 0)
    assert ([_NAMES[0]], _NAMES[0]) == ([each.name for each in told.devices], told.next)


def test_a_store_without_devices_has_an_empty_page() -> None:
    assert DeviceList((), 0) == page((), None, _device, (), 0)

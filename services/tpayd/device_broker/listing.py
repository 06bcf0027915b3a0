"""The list of devices, page by page: all of a large store's are more than a frame holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tpayd.kit.paging import page_of, within
from tpayd_contracts.device import Device, DeviceFault, DeviceList

__all__ = ["FAULTS_MAX_BYTES", "page"]

FAULTS_MAX_BYTES = 16 * 1024
"""On the first page, beside the devices."""


def page(
    names: Iterable[str],
    after: str | None,
    device: Callable[[str], Device],
    faults: Sequence[DeviceFault],
    queue_length: int,
) -> DeviceList:
    """The devices whose names come after `after`; with the first of them the faults."""
    told = within(FAULTS_MAX_BYTES, faults if after is None else ())
    found = page_of(names, after, device)
    return DeviceList(found.items, queue_length, told, next=found.next)

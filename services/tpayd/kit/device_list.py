"""All devices of the broker, whatever their number: its answers hold a page each."""

from __future__ import annotations

from typing import Protocol

from tpayd.kit.bus.limits import DEFAULT_TTL_S
from tpayd.kit.paging import all_pages
from tpayd_contracts.device import DEVICE_LIST, Device, DeviceList, DevicesQuery
from tpayd_contracts.operation import Op

__all__ = ["list_devices"]


class Calls(Protocol):
    """What is needed of a bus caller."""

    async def call(self, op: Op[DevicesQuery, DeviceList], body: DevicesQuery, *, ttl_s: float = ...) -> DeviceList:
        """One request, one reply; raises CallError."""


async def list_devices(broker: Calls, ttl_s: float = DEFAULT_TTL_S) -> tuple[Device, ...]:
    """In the order of their names, each page within `ttl_s`. Raises CallError."""
    return await all_pages(
        lambda after: broker.call(DEVICE_LIST, DevicesQuery(after), ttl_s=ttl_s), lambda page: page.devices
    )

"""Waiting for an event, as a POS hears it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from tests.harness.base import StoreBase
from tpayd.kit.instance import OWNER_CLIENT
from tpayd_client import AsyncPos, connect_async
from tpayd_client.types import DeviceEvent, PoolEvent

__all__ = ["heard"]

_LIMIT_S = 60.0


async def heard(
    store: StoreBase, topic: str, enough: Callable[[Any], bool], act: Callable[[], object], *, limit_s: float = _LIMIT_S
) -> Any:
    """The first event of `device.state` or `pool.state` that will do, after something was done.

    Events may be lost, and that is told: then the present state is asked for, as every client has to, and counts as an
    event. Raises AssertionError with all that was heard, and how readers and pools stand.
    """
    told: asyncio.Queue[Any] = asyncio.Queue()
    log = store.instance.data / "requests" / "hearing.jsonl"
    async with connect_async(store.instance.public(), OWNER_CLIENT, request_log=log) as pos:
        await pos.subscribe([topic], lambda _, event: told.put_nowait(event), lambda: told.put_nowait(None))
        await asyncio.to_thread(act)
        seen: list[Any] = []
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    event = await told.get()
                    for each in await _as_it_stands(pos, topic) if event is None else (event,):
                        seen.append(each)
                        if enough(each):
                            return each
        except TimeoutError:
            stands = await pos.devices(), await pos.pool_status()
            text = f"no such event on {topic} within {limit_s} s; heard: {seen}; as it stands: {stands}"
            raise AssertionError(text) from None


async def _as_it_stands(pos: AsyncPos, topic: str) -> list[DeviceEvent | PoolEvent]:
    """What a client asks for after a gap."""
    if topic == "device.state":
        return [DeviceEvent(device=device, at_ms=0) for device in (await pos.devices()).devices]
    assert topic == "pool.state", f"{topic}: say here how its present state is asked for"
    return [PoolEvent(pools=tuple(pool.standing for pool in (await pos.pool_status()).pools), at_ms=0)]

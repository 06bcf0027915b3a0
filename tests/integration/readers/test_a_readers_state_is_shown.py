"""Whoever watches the store sees each reader's state: as events, in the list, in health and in the metrics."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request

import msgspec
import structlog
import zmq
from msgspec import Raw

from tests.harness import Store
from tests.integration.readers.counter import counter_of, device, wait_for
from tpayd.kit.bus import Subscriber
from tpayd_contracts.device import TOPIC_DEVICE, DeviceEvent, DeviceState
from tpayd_contracts.health import Readiness


def test_a_change_is_an_event(shop: Store) -> None:
    async def watch() -> list[tuple[str, DeviceState]]:
        seen: asyncio.Queue[DeviceEvent] = asyncio.Queue()

        def on_event(_: str, __: int, body: Raw) -> None:
            seen.put_nowait(msgspec.msgpack.decode(body, type=DeviceEvent))

        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        subscriber = Subscriber(
            shop.instance.evt("device_broker"), [TOPIC_DEVICE], on_event, lambda: None, context=context,
            log=structlog.get_logger(),
        )  # fmt: skip
        subscriber.start()
        try:
            heard: list[tuple[str, DeviceState]] = []
            async with counter_of(shop) as counter:
                # A subscription takes a moment to arrive, and older changes may come first: lease until one is heard.
                while not any(state is DeviceState.LEASED for _, state in heard):
                    lease = await counter.acquire()
                    heard += await _until(seen, DeviceState.LEASED)
                    await counter.release(lease)
            shop.sandbox.unplug("reader-2")
            while heard[-1] != ("reader-2", DeviceState.ABSENT):
                heard += await _until(seen, DeviceState.ABSENT)
            return heard
        finally:
            await subscriber.close()
            context.destroy(linger=0)

    heard = asyncio.run(asyncio.wait_for(watch(), 30))
    assert any(state is DeviceState.LEASED for _, state in heard)
    assert ("reader-2", DeviceState.ABSENT) == heard[-1]


async def _until(seen: asyncio.Queue[DeviceEvent], state: DeviceState) -> list[tuple[str, DeviceState]]:
    """The changes heard up to the first into `state`, or those of 3 s without it."""
    heard: list[tuple[str, DeviceState]] = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(3):
            while not heard or heard[-1][1] is not state:
                event = await seen.get()
                heard.append((event.device.name, event.device.state))
    return heard


def test_list_health_and_metrics_agree(shop: Store) -> None:
    shop.sandbox.unplug("reader-2")
    wait_for(shop, "reader-2", DeviceState.ABSENT)
    ready = device(shop, "reader-1")
    assert ("TPAYD-SANDBOX-1", "SBX0000001", "01.00") == (ready.model, ready.serial_number, ready.firmware)
    health = shop.health("device_broker")
    assert health is not None
    assert (Readiness.DEGRADED, [True, False]) == (health.readiness, [one.ok for one in health.dependencies])
    port = shop.instance.run_file("device_broker", "metrics").read_text().strip()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        lines = page.read().decode().splitlines()
    assert 'tpayd_device_broker_devices{state="ready"} 1.0' in lines
    assert 'tpayd_device_broker_devices{state="absent"} 1.0' in lines
    assert "tpayd_device_broker_leases 0.0" in lines
    assert "tpayd_device_broker_queue_length 0.0" in lines

"""What a service tells on the way reaches the client that asked, and only that one."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog
import zmq

import tpayd_client
from tests.harness import eventually
from tests.integration.gateway.shop import EVENT, REPLY, Shop
from tpayd.kit.bus import Publisher
from tpayd_client import Pos
from tpayd_client.types import DeviceEvent, PaymentProgress, Step
from tpayd_contracts import device


def test_progress_comes_before_the_answer(shop: Shop, tmp_path: Path) -> None:
    """Typed, in order."""
    seen: list[PaymentProgress] = []
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        pos.sale("1", 1_000, on_progress=seen.append)
    assert [Step.PRESENT_CARD] == [progress.step for progress in seen]


def test_a_failing_display_stops_no_payment(shop: Shop, tmp_path: Path) -> None:
    """The callback's fault is logged, the verdict comes."""

    def fail(_: PaymentProgress) -> None:
        raise ZeroDivisionError

    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        result = pos.sale("1", 1_000, on_progress=fail)
    assert tpayd_client.Verdict.PAID is result.verdict


def test_the_service_knows_who_asks(shop: Shop) -> None:
    """The principal is the gateway's word, whatever the client wrote there."""
    key = str(uuid.uuid4())
    with shop.client() as client:
        client.hello()
        client.sale(key=key)
    assert ["till-1"] == [entry["principal"] for entry in shop.reached() if entry["key"] == key]


def test_a_cancelled_call_is_cancelled_behind(shop: Shop, tmp_path: Path) -> None:
    """Cancelling the asyncio task is enough; the id stays open in the request log."""

    async def leave(key: str) -> None:
        async with tpayd_client.connect_async(key_file=shop.till, request_log=tmp_path / "log") as pos:
            shown = asyncio.Event()
            sale = asyncio.create_task(pos.sale("1", 2_000, request_id=key, on_progress=lambda _: shown.set()))
            await asyncio.wait_for(shown.wait(), 5.0)
            sale.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sale
            assert [key] == [open_request.request_id for open_request in pos.unresolved()]

    key = str(uuid.uuid4())
    asyncio.run(leave(key))
    eventually(
        lambda: "cancelled" in {entry["op"] for entry in shop.reached() if entry["key"] == key},
        timeout_s=3.0,
        what=lambda: "the cancel to arrive",
    )


class Broker:
    """Publishes what the device broker would."""

    def __init__(self, shop: Shop) -> None:
        self._endpoint = shop.store.instance.evt("device_broker")
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._publisher = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(5.0)

    async def _start(self) -> Publisher:
        publisher = Publisher(
            self._endpoint, context=self._context, incarnation=str(uuid.uuid4()), log=structlog.get_logger()
        )
        publisher.start()
        return publisher

    def tell(self, name: str, *, lose: int = 0) -> None:
        reader = device.Device(name=name, label=name, state=device.DeviceState.READY, driver="virtual", port="none")

        def publish() -> None:
            self._publisher._sequence += lose
            self._publisher.publish(device.TOPIC_DEVICE, device.DeviceEvent(device=reader, at_ms=1))

        self._loop.call_soon_threadsafe(publish)

    def lose(self) -> None:
        """The last event there was: no other one comes after it."""

        def lose() -> None:
            self._publisher._sequence += 1

        self._loop.call_soon_threadsafe(lose)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._publisher.close(), self._loop).result(5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()
        self._context.destroy(linger=0)


@contextmanager
def hearing(shop: Shop, tmp_path: Path) -> Iterator[tuple[Broker, Pos, list[str]]]:
    """A broker, a till that its events reach by now, and what the till hears from here on: readers' names, and gaps."""
    heard: list[str] = []
    broker = Broker(shop)
    try:
        with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:

            def first() -> bool:
                broker.tell("first")
                pos.listen(0.1)
                return "first" in heard

            def on_event(topic: str, event: DeviceEvent) -> None:
                heard.append(event.device.name)

            pos.subscribe(["device.state"], on_event, lambda: heard.append("gap"))
            eventually(first, timeout_s=30, what="the first event")
            heard.clear()
            yield broker, pos, heard
    finally:
        broker.close()


def test_events_are_numbered_and_a_gap_is_told(shop: Shop, tmp_path: Path) -> None:
    """A loss behind the gateway is seen by the client as well as one on its own connection."""
    with hearing(shop, tmp_path) as (broker, pos, heard):
        broker.tell("a")
        broker.tell("b")
        broker.tell("c", lose=3)
        pos.listen(0.5)
        assert ["a", "b", "gap", "c"] == heard
        pos.subscribe([], lambda _, event: heard.append(event.device.name))
        broker.tell("d")
        pos.listen(0.3)
        assert ["a", "b", "gap", "c"] == heard


def test_the_loss_of_the_last_event_is_told(shop: Shop, tmp_path: Path) -> None:
    """Behind the gateway, and no other event follows: a client that shows a state would show a wrong one for hours."""
    with hearing(shop, tmp_path) as (broker, pos, heard):

        def listened(until: str) -> bool:
            pos.listen(0.1)
            return until in heard

        broker.tell("last")
        eventually(lambda: listened("last"), timeout_s=30, what="the last event")
        heard.clear()
        broker.lose()
        eventually(lambda: listened("gap"), timeout_s=30, what=lambda: f"a gap: {heard}")
        assert ["gap"] == heard


def test_a_subscription_outlives_the_gateway(shop: Shop, tmp_path: Path) -> None:
    """After a restart the client asks again, and says that something was missed."""
    heard: list[str] = []
    broker = Broker(shop)
    try:
        with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
            pos.subscribe(
                ["device.state"], lambda _, event: heard.append(event.device.name), lambda: heard.append("gap")
            )
            shop.store.restart("gateway")
            for _ in range(100):
                broker.tell("reader1")
                pos.listen(0.1)
                if "reader1" in heard and "gap" in heard:
                    break
            assert "gap" in heard
            assert "reader1" in heard[heard.index("gap") :]
    finally:
        broker.close()
    shop.wait_connected()


def test_nobody_hears_what_he_did_not_ask_for(shop: Shop) -> None:
    """No subscription, no event."""
    broker = Broker(shop)
    try:
        with shop.client() as client:
            client.hello()
            broker.tell("reader1")
            assert client.receive(0.5) is None
            assert REPLY == client.request("events.subscribe", {"topics": ["device.state"]})[1]

            def told() -> bool:
                broker.tell("reader1")
                event = client.receive(0.2)
                return event is not None and event[1] == EVENT

            eventually(told, timeout_s=5.0, what=lambda: "an event, once it was asked for")
    finally:
        broker.close()

"""Events are told once. Who missed one is told that, and asks for a snapshot."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.integration.bus.ops import Count, Text
from tests.integration.bus.rig import Rig, bench, decode, until
from tpayd.kit.bus import Publisher, Subscriber, limits
from tpayd.kit.bus.wire import encode_body, envelope
from tpayd_contracts.envelope import Kind

GAP = "gap"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "EVENT_HEARTBEAT_S", 0.1)


def _publisher(rig: Rig, incarnation: str = "first") -> Publisher:
    publisher = Publisher(rig.endpoint, context=rig.context, incarnation=incarnation, log=rig.log)
    publisher.start()
    rig.later(publisher.close)
    return publisher


def _listen(rig: Rig, *topics: str) -> list[object]:
    """What a subscriber is told: numbers of events, and GAP."""
    heard: list[object] = []
    subscriber = Subscriber(
        rig.endpoint,
        topics,
        lambda _topic, _sequence, body: heard.append(decode(body, Count).count),
        lambda: heard.append(GAP),
        context=rig.context,
        log=rig.log,
    )
    subscriber.start()
    rig.later(subscriber.close)
    return heard


async def _joined(publisher: Publisher, heard: list[object], topic: str = "door") -> None:
    """Publish until the subscriber hears it, then forget that."""

    def heard_now() -> bool:
        publisher.publish(topic, Count(0))
        return bool(heard)

    await until(heard_now)
    await asyncio.sleep(0.05)
    heard.clear()


def test_events_come_in_order_and_by_topic(tmp_path: Path) -> None:
    """A subscriber hears its topics only, and events of other topics are no gap."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            publisher, heard = _publisher(rig), _listen(rig, "door", "line")
            await _joined(publisher, heard)
            for number in range(1, 51):
                publisher.publish(("door", "other", "line")[number % 3], Count(number))
            await until(lambda: 50 in heard)
            assert [number for number in range(1, 51) if number % 3 != 1] == heard

    asyncio.run(scenario())


def test_a_lost_event_is_a_gap_before_the_next(tmp_path: Path) -> None:
    """A burst beyond what is queued loses events; the subscriber is told before the first one that follows."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            publisher, heard = _publisher(rig), _listen(rig, "door")
            await _joined(publisher, heard)
            for number in range(20_000):
                publisher.publish("door", Count(number))
            await until(lambda: GAP in heard)

            def tell_the_end() -> bool:
                publisher.publish("door", Count(-1))
                return -1 in heard

            await until(tell_the_end)
            numbers = [each for each in heard if isinstance(each, int) and each >= 0]
            assert sorted(numbers) == numbers
            assert 20_000 > len(numbers)

    asyncio.run(scenario())


def test_a_lost_last_event_is_told_by_the_heartbeat(tmp_path: Path) -> None:
    """Nothing follows it, and still the subscriber hears of the gap."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            publisher, heard = _publisher(rig), _listen(rig, "door")
            await _joined(publisher, heard)
            publisher._sequence += 1  # an event that the network lost
            await until(lambda: heard, timeout_s=2.0)
            await asyncio.sleep(3 * limits.EVENT_HEARTBEAT_S)
            assert [GAP] == heard

    asyncio.run(scenario())


def test_a_restarted_publisher_is_a_gap(tmp_path: Path) -> None:
    """Its numbers begin again, and what it told in between is lost: another incarnation is always a gap."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            publisher, heard = _publisher(rig), _listen(rig, "door")
            await _joined(publisher, heard)
            await publisher.close()
            again = _publisher(rig, "second")
            # Up to the number that the subscriber would expect next: only the incarnation tells.
            again._sequence = publisher._sequence
            await until(lambda: heard)
            again.publish("door", Count(7))
            await until(lambda: 7 in heard)
            assert [GAP, 7] == heard

    asyncio.run(scenario())


def test_what_is_no_event_is_passed_over(tmp_path: Path) -> None:
    """Garbage and events without a session stop nothing, nor does a fault in the listener."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            publisher, heard = _publisher(rig), _listen(rig, "door")
            await _joined(publisher, heard)
            publisher._pump.send_parts((b"\xc1garbage",))
            publisher._pump.send_parts((envelope(Kind.PING, 0),))
            publisher.publish("door", Text("of another shape"))
            publisher.publish("door", Count(3))
            await until(lambda: 3 in heard)
            assert [3] == heard
            publisher._pump.send_parts((envelope(Kind.EVENT, 99, op="door", body=encode_body(Count(4))),))
            await until(lambda: 4 in heard)
            assert [3, GAP, 4] == heard

    asyncio.run(scenario())

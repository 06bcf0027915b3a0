"""The daily self-tests: one reader after the other, only idle ones; one in use gets its turn later, the same day."""

from __future__ import annotations

from typing import Any

import structlog
from msgspec import Raw

from tpayd.key_manager.integrity.readers import ReaderTests
from tpayd.kit.bus import CallError
from tpayd.kit.bus.wire import encode_body
from tpayd_contracts.device import DEVICE_LIST, Device, DeviceEvent, DeviceList, DeviceState
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.fleet import DEVICE_SHOW, DEVICE_TEST, DeviceReport, SelfTest
from tpayd_contracts.integrity import IntegrityResult

READY, LEASED, ABSENT = DeviceState.READY, DeviceState.LEASED, DeviceState.ABSENT


class Broker:
    """A device broker: its readers, and what their self-tests come to."""

    def __init__(self, **states: DeviceState) -> None:
        self.states = states
        self.tests = {name: SelfTest(1, passed=True) for name in states}
        self.connected = True
        self.calls: list[str] = []
        self.quicker: set[str] = set()
        """Readers that a payment takes between the look and the test."""

    def device(self, name: str) -> Device:
        return Device(name=name, label=name, state=self.states[name], driver="stx", port="x")

    async def call(self, op: Any, body: Any, **_: Any) -> Any:
        if op is DEVICE_LIST:
            return DeviceList(tuple(map(self.device, self.states)), 0)
        self.calls.append(f"{op.name} {body.device}")
        if op is DEVICE_SHOW:
            return DeviceReport(self.device(body.device), 0, self_test=self.tests[body.device])
        assert op is DEVICE_TEST
        if body.device in self.quicker:
            raise CallError(ErrorCode.TIMEOUT, "in use")
        return SelfTest(9, passed=True)


def made(broker: Broker) -> tuple[ReaderTests, list[IntegrityResult]]:
    kept: list[IntegrityResult] = []

    async def keep(result: IntegrityResult) -> None:
        kept.append(result)

    return ReaderTests(broker, keep, structlog.get_logger(), pause_s=0.0), kept  # type: ignore[arg-type]


def changed(tests: ReaderTests, broker: Broker, name: str) -> None:
    tests.changed("device.state", 1, Raw(encode_body(DeviceEvent(broker.device(name), 1))))


async def test_only_idle_readers() -> None:
    """One in use follows when it is idle, one that is absent is tested when it comes back; each once."""
    broker = Broker(a=READY, b=LEASED, c=ABSENT)
    tests, kept = made(broker)

    await tests.go_on_daily()
    assert [] == broker.calls
    tests.begin_daily()
    await tests.go_on_daily()
    await tests.go_on_daily()
    assert ["device.test a"] == broker.calls
    broker.states |= {"b": READY, "c": READY}
    await tests.go_on_daily()
    await tests.go_on_daily()

    assert ["device.test a", "device.test b"] == broker.calls
    assert [("a", "daily"), ("b", "daily")] == [(each.device, each.by) for each in kept]


async def test_a_payment_that_was_quicker() -> None:
    """The test is put off, not counted as failed."""
    broker = Broker(a=READY)
    broker.quicker = {"a"}
    tests, kept = made(broker)
    tests.begin_daily()
    await tests.go_on_daily()
    assert [] == kept
    broker.quicker = set()
    await tests.go_on_daily()

    assert [True] == [each.passed for each in kept]


async def test_a_broker_that_is_away() -> None:
    """The day's tests follow when it is back; a reader that was taken out meanwhile is owed nothing."""
    broker = Broker(a=LEASED, b=READY)
    broker.connected = False
    tests, kept = made(broker)
    tests.begin_daily()
    await tests.go_on_daily()
    assert ([], None) == (broker.calls, await tests.look())
    broker.connected = True
    await tests.go_on_daily()
    del broker.states["a"]
    await tests.go_on_daily()

    assert ["b"] == [each.device for each in kept]
    assert ["device.test b"] == broker.calls


async def test_what_the_broker_found_by_itself() -> None:
    """At start and on each return; one that fails again and again is told once, and its recovery."""
    broker = Broker(a=READY)
    tests, kept = made(broker)
    assert frozenset({"a"}) == await tests.look()
    await tests.look()
    assert ["device.show a"] == broker.calls
    for at_ms, passed in ((2, False), (3, False), (4, True), (5, True)):
        broker.tests["a"] = SelfTest(at_ms, passed, code="" if passed else "10", problem="" if passed else "broken")
        changed(tests, broker, "a")
        await tests.look()

    assert [("start", 1, True), ("reconnect", 2, False), ("reconnect", 4, True), ("reconnect", 5, True)] == [
        (each.by, each.at_ms, each.passed) for each in kept
    ]
    assert ["broken (code 10)"] == [finding.text for each in kept for finding in each.findings]


async def test_lost_events_are_made_up_for() -> None:
    """After a gap every reader is looked at."""
    broker = Broker(a=READY)
    tests, kept = made(broker)
    await tests.look()
    broker.tests["a"] = SelfTest(2, passed=False, problem="nobody answers")
    tests.missed()
    await tests.look()

    assert ["start", "reconnect"] == [each.by for each in kept]
    assert ["no_answer"] == [finding.kind.value for finding in kept[1].findings]

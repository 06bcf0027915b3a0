"""What the broker shows of its readers: the list, the events, and the metrics."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from msgspec.structs import replace
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tpayd.device_broker import figures
from tpayd.device_broker.bars import Bars
from tpayd.device_broker.drivers.events import TroubleKind
from tpayd.device_broker.identity import missing_abilities
from tpayd.device_broker.pool import Pool
from tpayd.device_broker.profiles import Arrangement, Fault, Place
from tpayd.device_broker.reader import Reader
from tpayd.kit.clock import Clock
from tpayd.kit.metrics import Metrics
from tpayd_contracts.device import BarCause, Device, DeviceEvent, DeviceState

__all__ = ["KEY_LANE", "BrokerMetrics", "Standing"]

KEY_LANE = "key:"
"""Begins the name of what holds a reader for a key exchange; no lane's name has a colon."""

_LENT_EVENT_US = 1_000_000
"""A reader that goes from hand to hand is told of once in this time, whatever its customers' speed."""
_LATER_US = 250_000
"""How late at most it is told of then."""
_IN_USE = (DeviceState.READY, DeviceState.LEASED)


class BrokerMetrics:
    """The broker's own metrics; the bus counts requests."""

    def __init__(
        self, metrics: Metrics, pool: Pool, readers: Mapping[str, Reader], bars: Bars, now_us: Callable[[], int]
    ) -> None:
        metrics.add(_States(pool, readers))
        barred = metrics.gauge("barred_readers", "Readers that no payment gets", ["cause"])
        for cause in BarCause:
            barred.labels(cause.value).set_function(partial(bars.count, cause))
        metrics.gauge("leases", "Leases held").set_function(lambda: pool.lease_count)
        metrics.gauge("queue_length", "Payments waiting for a reader").set_function(lambda: pool.queue_length)
        fairness = metrics.gauge("fairness", "Jain's index of the lanes' shares of turns in the last hour; 1 is fair")
        fairness.set_function(lambda: figures.fairness(figures.shares(pool.figures.stands(now_us()))) or 1.0)
        overtaken = metrics.gauge(
            "most_overtaken", "Most often that a lane passed another, in one wait of the last hour"
        )
        overtaken.set_function(lambda: figures.most_overtaken(pool.figures.stands(now_us())))
        self.nightly_resets = metrics.counter("nightly_resets", "Readers reset at night")
        waits = metrics.timings("reader_wait_seconds", "From asking for a reader to getting it")
        self.waited_s: Callable[[float], None] = waits.add
        trouble = metrics.counter("line_troubles", "What went wrong on serial lines", ["kind"])
        self._troubles = {kind: trouble.labels(kind.value) for kind in TroubleKind}
        ended = metrics.counter("leases_ended", "Leases ended by other than their holder", ["why"])
        self.lease_ended: Callable[[str], None] = lambda why: ended.labels(why).inc()

    def trouble(self, kind: TroubleKind) -> None:
        self._troubles[kind].inc()


class Standing:
    """Tells changes of readers' states; a state that is overtaken before `publish` is called again is not told."""

    def __init__(
        self,
        pool: Pool,
        readers: Mapping[str, Reader],
        arrangement: Arrangement,
        bars: Bars,
        clock: Clock,
        tell: Callable[[DeviceEvent], None],
    ) -> None:
        self._pool = pool
        self.arrangement = arrangement
        """Who may use what; replaced when the settings change."""
        self._bars = bars
        self._readers = readers
        self._clock = clock
        self._tell = tell
        self._changed: set[str] = set(readers)
        self._lent: set[str] = set()
        """Went from hand to hand, more than once a sale: looked at in full only if that would be news."""
        self._later: set[str] = set()
        """Told of so lately that they wait until there is time again."""
        self._later_us = 0
        self._told: dict[str, Device] = {}
        self._told_us: dict[str, int] = {}

    def __contains__(self, device: str) -> bool:
        return device in self._readers

    def changed(self, name: str) -> None:
        """It is to be told at once."""
        self._changed.add(name)

    def lent(self, name: str) -> None:
        """It went to somebody, or came back fit for the next one."""
        self._lent.add(name)

    def removed(self, name: str) -> None:
        """It is no longer configured: tell it a last time, as absent."""
        for names in (self._changed, self._lent, self._later):
            names.discard(name)
        self._told_us.pop(name, None)
        before = self._told.pop(name, None)
        if before is not None:
            gone = replace(before, state=DeviceState.ABSENT, leased_to=None, detail="no longer configured")
            self._tell(DeviceEvent(gone, self._clock.unix_ms()))

    def publish(self, now_us: int) -> None:
        """Tell what has changed; to be called often."""
        if now_us >= self._later_us:
            self._later_us = now_us + _LATER_US
            self._changed |= self._later
            self._later.clear()
        changed, self._changed = self._changed, set()
        lent, self._lent = self._lent, set()
        for name in changed | (lent - self._later):
            before = self._told.get(name)
            if before is not None and self._is_only_lent(before):
                if name not in changed and self._is_had_as(before):
                    continue
                if now_us - self._told_us[name] < _LENT_EVENT_US:
                    self._later.add(name)
                    continue
            device = self.device(name)
            if device != before:
                self._told[name] = device
                self._told_us[name] = now_us
                self._tell(DeviceEvent(device, self._clock.unix_ms()))

    def _is_had_as(self, before: Device) -> bool:
        """Whether who has it was told already."""
        return before.state is self._pool.state(before.name) and before.leased_to == self._lane_of(before.name)

    def _lane_of(self, name: str) -> str | None:
        """The lane whose payment has it."""
        grant = self._pool.holder(name)
        return None if grant is None or ":" in grant.lane else grant.lane

    def _is_only_lent(self, before: Device) -> bool:
        """Whether it was fit for customers and still is: nobody has to hear at once whose turn it is."""
        name = before.name
        if before.state not in _IN_USE or self._pool.state(name) not in _IN_USE:
            return False
        identity = self._readers[name].identity
        check_value = identity.key_check_value if identity else None
        return before.bars == self._bars.of(name) and before.key_check_value == check_value

    def device(self, name: str) -> Device:
        """A reader as it stands now."""
        reader = self._readers[name]
        settings, identity = reader.settings, reader.identity
        state = self._pool.state(name)
        # One that is leaving has no place any more.
        place = self.arrangement.places.get(name, Place())
        fault = self.arrangement.fault_with(name)
        return Device(
            name=name,
            label=settings.label or name,
            state=state,
            driver=settings.driver,
            port=settings.port,
            abilities=reader.abilities,
            pool=place.pool,
            lane=place.lane,
            model=identity.model if identity else None,
            serial_number=identity.serial_number if identity else None,
            firmware=identity.firmware if identity else None,
            reader_id=identity.reader_id if identity else None,
            key_check_value=identity.key_check_value if identity else None,
            detail=_detail(reader, fault, in_use=state in _IN_USE),
            leased_to=self._lane_of(name),
            bars=self._bars.of(name),
        )


def _detail(reader: Reader, fault: Fault | None, *, in_use: bool) -> str | None:
    if fault is not None:
        return fault.text
    if not in_use:
        return reader.detail
    if reader.leaving:
        return "its settings have changed; they count when its lease is over"
    return missing_abilities(reader.name, reader.lacking, reader.abilities) if reader.lacking else None


class _States(Collector):
    """How the readers stand: counted by state, and each by its name. The settings allow 64."""

    def __init__(self, pool: Pool, readers: Mapping[str, Reader]) -> None:
        self._pool = pool
        self._readers = readers

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        """Called by the thread that serves /metrics, while the event loop may add a reader or take one away."""
        stands: dict[str, DeviceState] = {}
        for name in tuple(self._readers):
            with contextlib.suppress(KeyError):
                stands[name] = self._pool.state(name)
        counts = GaugeMetricFamily("tpayd_device_broker_devices", "Readers by state", labels=("state",))
        for state in DeviceState:
            counts.add_metric((state.value,), sum(each is state for each in stands.values()))
        yield counts
        each_one = GaugeMetricFamily(
            "tpayd_device_broker_device_state", "1 for the state a reader is in", labels=("device", "state")
        )
        for name, state in stands.items():
            each_one.add_metric((name, state.value), 1)
        yield each_one

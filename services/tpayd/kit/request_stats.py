"""Requests and calls, noted on the hot path, counted many at once, and turned into metrics when somebody scrapes.

A labelled counter and a histogram of prometheus_client cost several microseconds for each request, a fifth of a whole
hop. Here a request costs a note; the metric objects are made at scrape time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tpayd.kit.noted import Noted
from tpayd.kit.timings import Timings
from tpayd_contracts.catalogue import OPS
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.graph import OPS_OF

__all__ = ["RequestStats"]

_OTHER = "other"
_CODES = frozenset({"ok", *ErrorCode})
_DROPS_MAX = 32


class _Series(Timings):
    """One operation of one service: how often each code, and how long."""

    __slots__ = ("codes",)

    def __init__(self) -> None:
        super().__init__()
        # There from the first scrape on, so that an alert on its increase sees the first fault as well.
        self.codes: dict[str, int] = {ErrorCode.INTERNAL.value: 0}

    def ended(self, code: str, seconds: float) -> None:
        """Count one with its result."""
        codes = self.codes
        if code in codes:
            codes[code] += 1
        else:
            known = code if code in _CODES else _OTHER
            codes[known] = codes.get(known, 0) + 1
        self.add(seconds)


class RequestStats(Collector):
    """What the bus counts (`tpayd.kit.bus.BusStats`). Labels are bounded: an unknown name is counted as `other`."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._served: dict[str, _Series] = {}
        self._called: dict[tuple[str, ...], _Series] = {}
        self._dropped: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._ended: Noted[tuple[str | None, str, str, float]] = Noted(self._count)
        """The peer that was called, or None for what was served here; operation, code and seconds."""

    def served(self, op: str, code: str, seconds: float) -> None:
        """A request was answered; `code` is `ok` or an error code."""
        self._ended.add((None, op, code, seconds))

    def called(self, peer: str, op: str, code: str, seconds: float) -> None:
        """A call of this process ended."""
        self._ended.add((peer, op, code, seconds))

    def dropped(self, what: str) -> None:
        """A message could not be used or delivered."""
        if what not in self._dropped and len(self._dropped) >= _DROPS_MAX:
            what = _OTHER
        self._dropped[what] = self._dropped.get(what, 0) + 1

    def open_requests(self, endpoint: str, count: int) -> None:
        """Requests being served now at one endpoint."""
        self._open[endpoint] = count

    def describe(self) -> list[Metric]:
        """Nothing beforehand: the registry need not scrape us to register us."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics, as of now. Called by the thread that serves /metrics."""
        self._ended.settle()
        served: dict[tuple[str, ...], _Series] = {(op,): series for op, series in self._served.copy().items()}
        yield from self._families("requests", "Requests served", ("op",), served)
        yield from self._families("calls", "Calls to other services", ("peer", "op"), self._called.copy())
        drops = CounterMetricFamily("tpayd_bus_dropped", "Messages dropped, by reason", labels=("service", "what"))
        for what, count in self._dropped.copy().items():
            drops.add_metric((self._service, what), count)
        yield drops
        open_now = GaugeMetricFamily("tpayd_bus_open_requests", "Requests being served now", labels=("service",))
        open_now.add_metric((self._service,), sum(self._open.copy().values()))
        yield open_now

    def _count(self, ended: tuple[str | None, str, str, float]) -> None:
        peer, op, code, seconds = ended
        series = self._served.get(op) if peer is None else self._called.get((peer, op))
        if series is None:
            known = op if op in OPS else _OTHER
            if peer is None:
                series = self._served.setdefault(known, _Series())
            else:
                series = self._called.setdefault((peer if peer in OPS_OF else _OTHER, known), _Series())
        series.ended(code, seconds)

    def _families(
        self, what: str, text: str, labels: tuple[str, ...], all_series: Mapping[tuple[str, ...], _Series]
    ) -> Iterator[Metric]:
        total = CounterMetricFamily(f"tpayd_{what}", f"{text}, by result", labels=("service", *labels, "code"))
        times = HistogramMetricFamily(f"tpayd_{what}_seconds", f"{text}: time taken", labels=("service", *labels))
        for key, series in all_series.items():
            for code, count in series.codes.copy().items():
                total.add_metric((self._service, *key, code), count)
            times.add_metric((self._service, *key), series.cumulative(), series.total_s)
        yield total
        yield times

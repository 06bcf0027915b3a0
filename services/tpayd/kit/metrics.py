"""Metrics: one Prometheus registry per process, served on loopback.

Names are `tpayd_<service>_<what>_<unit>` for what one service has, and `tpayd_<what>_<unit>` with a label `service`
for what every process has: requests, calls, loop lag, faults, lost log lines. Labels hold few values that the code
knows: never a lane's request id, a card, an amount.

Bind labels once and keep the child; `.labels()` on a hot path costs more than the counting.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from tpayd.kit.metrics_server import MetricsServer
from tpayd.kit.request_stats import RequestStats
from tpayd.kit.timings import BUCKETS_S, Timings
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["Metrics"]

# A second series for each counter, which says when it began: `process_start_time_seconds` says that already.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one process."""

    def __init__(self, service: str, version: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        self.requests = RequestStats(service)
        """Fed by the bus."""
        self.registry.register(self.requests)
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        info = Info("tpayd_build", "What runs here", registry=self.registry)
        info.info(
            {
                "service": service, "version": version, "contract": str(CONTRACT_VERSION),
                "python": platform.python_version(),
            }
        )  # fmt: skip
        faults = Counter("tpayd_loop_faults", "Exceptions nobody handled", ["service"], registry=self.registry)
        self.loop_faults = faults.labels(service)
        self._server: MetricsServer | None = None
        self._port_file: Path | None = None

    def counter(self, what: str, text: str, labels: Sequence[str] = ()) -> Counter:
        """A counter `tpayd_<service>_<what>_total`."""
        return Counter(self._name(what), text, labels, registry=self.registry)

    def gauge(self, what: str, text: str, labels: Sequence[str] = ()) -> Gauge:
        """A gauge `tpayd_<service>_<what>`."""
        return Gauge(self._name(what), text, labels, registry=self.registry)

    def histogram(
        self, what: str, text: str, labels: Sequence[str] = (), buckets: Sequence[float] = BUCKETS_S
    ) -> Histogram:
        """A histogram `tpayd_<service>_<what>`; `what` ends in its unit, `_seconds` with the default buckets."""
        return Histogram(self._name(what), text, labels, buckets=buckets, registry=self.registry)

    def timings(self, what: str, text: str) -> Timings:
        """What a histogram `tpayd_<service>_<what>` without labels is made from when scraped; for hot paths."""
        timings = Timings()
        self.add(_Histogram(self._name(what), text, timings))
        return timings

    def watch(self, what: str, text: str, read: Callable[[], float]) -> None:
        """A gauge `tpayd_<what>{service=…}` of the kit, read when scraped."""
        gauge = Gauge(f"tpayd_{what}", text, ["service"], registry=self.registry)
        gauge.labels(self.service).set_function(read)

    def add(self, collector: Collector) -> None:
        """Metrics that are made when scraped, for what is counted on a hot path. Names as above."""
        self.registry.register(collector)

    def serve(self, port: int, port_file: Path) -> int:
        """Serve /metrics on 127.0.0.1 and write the real port to `port_file`. Raises OSError if the port is taken."""
        server = MetricsServer(port, self.registry)
        self._server, self._port_file = server, port_file
        fresh = port_file.with_suffix(".metrics.new")
        fresh.write_text(f"{server.port}\n", encoding="ascii")
        fresh.replace(port_file)
        return server.port

    def close(self) -> None:
        """Stop serving."""
        if self._server is None or self._port_file is None:
            return
        with contextlib.suppress(OSError):
            self._port_file.unlink()
        self._server.close()
        self._server = None

    def _name(self, what: str) -> str:
        return f"tpayd_{self.service}_{what}"


class _Histogram(Collector):
    """Timings as a metric."""

    def __init__(self, name: str, text: str, timings: Timings) -> None:
        self._name = name
        self._text = text
        self._timings = timings

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        """Called by the thread that serves /metrics."""
        times = HistogramMetricFamily(self._name, self._text)
        times.add_metric((), self._timings.cumulative(), self._timings.total_s)
        yield times

"""What host_link counts. Exchanges are made into metrics when scraped: each of them counts."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from tpayd.host_link.matching import Stray
from tpayd.kit.metrics import Metrics
from tpayd_contracts.host import LineState

__all__ = ["Meters"]

_GARBLED = "garbled"
_UNASKED = "unasked"


class Meters:
    """Labels are bound once; none holds more than what the settings and the code name."""

    def __init__(self, metrics: Metrics, lines: tuple[str, ...]) -> None:
        signed_on = metrics.gauge("line_signed_on", "1 while the line carries exchanges", ["line"])
        state = metrics.gauge("line_state", "1 for the state a line is in", ["line", "state"])
        tries = metrics.counter("connects", "Tries to connect a line", ["line"])
        losses = metrics.counter("losses", "Signed-on lines lost", ["line"])
        dropped = metrics.counter("dropped_messages", "Messages of the host that fit no open request", ["kind"])
        self._signed_on = {line: signed_on.labels(line) for line in lines}
        self._state = {(line, each): state.labels(line, each.value) for line in lines for each in LineState}
        self._tries = {line: tries.labels(line) for line in lines}
        self._losses = {line: losses.labels(line) for line in lines}
        self._dropped = {kind: dropped.labels(kind) for kind in (*(each.value for each in Stray), _GARBLED, _UNASKED)}
        self.in_flight = metrics.gauge("in_flight", "Exchanges on the lines now")
        self._host_times = metrics.timings("host_seconds", "From the last byte out to the first byte of the answer")
        self._exchanges = _Exchanges()
        metrics.add(self._exchanges)

    def line(self, line: str, before: LineState, now: LineState) -> None:
        """A line went from one state to another."""
        self._state[line, before].set(0)
        self._state[line, now].set(1)
        self._signed_on[line].set(now is LineState.SIGNED_ON)
        if now is LineState.CONNECTING:
            self._tries[line].inc()
        if before is LineState.SIGNED_ON and now is not before:
            self._losses[line].inc()

    def ended(self, outcome: str) -> None:
        """An exchange ended."""
        self._exchanges.outcomes[outcome] += 1

    def answered(self, host_s: float) -> None:
        """An exchange ended with its answer, which took the host so long."""
        self._exchanges.outcomes["answered"] += 1
        self._host_times.add(host_s)

    def stray(self, kind: Stray) -> None:
        """An answer without an open request."""
        self._dropped[kind.value].inc()

    def garbled(self) -> None:
        """A message that could not be read."""
        self._dropped[_GARBLED].inc()

    def unasked(self) -> None:
        """A request of the host that nobody here answers."""
        self._dropped[_UNASKED].inc()


class _Exchanges(Collector):
    """Exchanges of this process, by how they ended."""

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(("answered", "timeout", "peer_lost", "not_started", "abandoned"), 0)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics, as of now. Called by the thread that serves /metrics."""
        ended = CounterMetricFamily("tpayd_host_link_exchanges", "Exchanges by how they ended", labels=("outcome",))
        for outcome, count in self.outcomes.copy().items():
            ended.add_metric((outcome,), count)
        yield ended

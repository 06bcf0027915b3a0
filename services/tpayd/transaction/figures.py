"""How payments ended, and whose time they took: noted at the end, counted later, made into metrics when scraped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from tpayd.kit.noted import Noted
from tpayd.kit.timings import Timings
from tpayd.transaction.payment import Payment
from tpayd.transaction.verdict import VERDICTS
from tpayd_contracts.payment import PaymentKind, PaymentState, Reason

__all__ = ["PaymentFigures"]

_SHARES = ("customer", "reader", "host", "daemon", "total")


class PaymentFigures(Collector):
    """Of the payments that ended in this process. Labels are words of the contract."""

    def __init__(self) -> None:
        self._ends: dict[tuple[PaymentKind, PaymentState, Reason | None], int] = {}
        self._shares = {share: Timings() for share in _SHARES}
        self._timings = tuple(self._shares.values())
        self._noted: Noted[tuple[Payment, bool]] = Noted(self._count)

    def ended(self, payment: Payment, *, timed: bool) -> None:
        """A payment has its verdict; `timed` says whether this process has seen all of it."""
        self._noted.add((payment, timed))

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics, as of now. Called by the thread that serves /metrics."""
        self._noted.settle()
        ends = CounterMetricFamily(
            "tpayd_transaction_payments", "Payments that ended, by kind, verdict and reason",
            labels=("kind", "verdict", "reason"),
        )  # fmt: skip
        counts: Counter[tuple[str, str, str]] = Counter()
        for (kind, state, reason), count in self._ends.copy().items():
            counts[kind.value, VERDICTS[state].value, reason.value if reason is not None else ""] += count
        for end, count in counts.items():
            ends.add_metric(end, count)
        yield ends
        times = HistogramMetricFamily(
            "tpayd_transaction_payment_seconds", "Time of a payment by whose share it was; total is all of it",
            labels=("share",),
        )  # fmt: skip
        for share, timings in self._shares.items():
            times.add_metric((share,), timings.cumulative(), timings.total_s)
        yield times

    def _count(self, noted: tuple[Payment, bool]) -> None:
        payment, timed = noted
        if payment.order is None:
            return
        end = payment.order.kind, payment.state, payment.reason
        self._ends[end] = self._ends.get(end, 0) + 1
        if timed:
            others_us = payment.customer_us + payment.reader_us + payment.host_us
            own_us = payment.total_us - others_us
            shares_us = (
                payment.customer_us, payment.reader_us, payment.host_us, max(0, own_us), payment.total_us,
            )  # fmt: skip
            for timings, took_us in zip(self._timings, shares_us, strict=True):
                timings.add(took_us / 1_000_000)

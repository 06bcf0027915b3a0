"""What is measured: what waits, since when, what has left, and why something has not."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.metrics import Metrics
from tpayd.log_shipper.delivery import Reason
from tpayd.log_shipper.outbox import Outbox
from tpayd_contracts.logs import BundleState

__all__ = ["LEAK", "NO_SPACE_HERE", "UNPACKED", "Gauges"]

LEAK = "leak"
"""The proof found something; nothing has left."""
NO_SPACE_HERE = "disk"
"""The store's own disk did not take the bundle."""
UNPACKED = "pack"
"""Another reason why there is no bundle."""


class Gauges:
    """Labels hold reasons and ends that the code knows, and nothing else."""

    def __init__(self, metrics: Metrics, outbox: Outbox, now_ms: Callable[[], int], limit_bytes: int) -> None:
        metrics.gauge("backlog_bundles", "Bundles that wait to be delivered").set_function(lambda: len(outbox.waiting))
        metrics.gauge("backlog_bytes", "Their size").set_function(lambda: outbox.held_bytes)
        metrics.gauge("backlog_limit_bytes", "What they may take").set(limit_bytes)
        metrics.gauge("backlog_oldest_seconds", "Age of the oldest bundle that waits").set_function(
            lambda: max((now_ms() - one.asked_ms for one in outbox.waiting), default=0) / 1000
        )
        self.last_shipped = metrics.gauge(
            "last_shipped_timestamp_seconds", "When a bundle was last taken by the vendor's server"
        )
        self.sent_bytes = metrics.counter("sent_bytes", "Bytes of bundles that the vendor's server has taken")
        self.ended = {
            BundleState.SHIPPED: metrics.counter("shipped", "Bundles delivered"),
            BundleState.STOPPED: metrics.counter(
                "redaction_stops", "Bundles stopped because something in them looked like card data or a key"
            ),
            BundleState.DROPPED: metrics.counter("dropped", "Bundles given up: too old, or over the outbox's limit"),
        }
        failures = metrics.counter("failures", "Tries to make or deliver a bundle that failed", ["reason"])
        reasons = (LEAK, NO_SPACE_HERE, UNPACKED, *(reason.value for reason in Reason))
        self.failures = {reason: failures.labels(reason) for reason in reasons}

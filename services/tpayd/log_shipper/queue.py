"""Which bundle comes next, and which has to go. Pure.

A bundle that was asked for `now` comes before those for `later`; among equals the older one comes first. What waits for
its next try holds nobody up. `later` bundles are packed at once, so that they tell of the moment that was meant, and
delivered within the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tpayd_contracts.logs import Bundle, BundleState, ShipPriority

__all__ = ["ENDED", "Step", "Window", "next_step", "outranks", "surplus"]

ENDED = frozenset({BundleState.SHIPPED, BundleState.STOPPED, BundleState.DROPPED})
_DAY_MS = 86_400_000
_WAIT_MAX_S = 2 * 86_400.0
"""Above the longest wait between two tries: what is further off was set by a clock that was wrong."""


@dataclass(frozen=True)
class Window:
    """Hours of the day, in local time; over midnight where `end` is the earlier one. Equal: the whole day."""

    start: time
    end: time

    @classmethod
    def of(cls, text: str) -> Window:
        """From `HH:MM-HH:MM`, which the settings have checked."""
        start, _, end = text.partition("-")
        return cls(time.fromisoformat(start), time.fromisoformat(end))

    def wait_s(self, now: datetime) -> float:
        """Until it is open; 0 while it is."""
        if self._holds(now.time()):
            return 0.0
        opens = now.replace(hour=self.start.hour, minute=self.start.minute, second=0, microsecond=0)
        if opens <= now:
            opens += timedelta(days=1)
        return (opens - now).total_seconds()

    def _holds(self, at: time) -> bool:
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True)
class Step:
    """What to do now: `pack` or deliver this bundle; or nothing for `wait_s`, unless something comes."""

    bundle: Bundle | None
    wait_s: float = 0.0


def next_step(
    bundles: Iterable[Bundle], now_ms: int, later_wait_s: float, *, can_pack: bool, can_deliver: bool, idle_s: float
) -> Step:
    """The next thing to do. `later_wait_s` is the time until the window opens; waits at most `idle_s`."""
    wait_s = idle_s
    ready: list[Bundle] = []
    for bundle in bundles:
        if bundle.state in ENDED:
            continue
        due_s = max(0.0, ((bundle.next_try_ms or 0) - now_ms) / 1000)
        if due_s > _WAIT_MAX_S:
            due_s = 0.0
        if bundle.state is BundleState.ASKED:
            possible = can_pack
        else:
            possible = can_deliver
            if bundle.priority is ShipPriority.LATER:
                due_s = max(due_s, later_wait_s)
        if not possible:
            continue
        if due_s == 0:
            ready.append(bundle)
        else:
            wait_s = min(wait_s, due_s)
    return Step(min(ready, key=_rank)) if ready else Step(None, wait_s)


def outranks(newcomer: Bundle, present: Bundle) -> bool:
    """Whether `present` has to be interrupted for it."""
    return newcomer.priority is ShipPriority.NOW and present.priority is ShipPriority.LATER


def surplus(
    bundles: Sequence[Bundle], limit_bytes: int, keep_days: int, now_ms: int, busy: str | None
) -> list[tuple[Bundle, str]]:
    """Which bundles have to go, and why.

    Those that are too old; then the oldest `later` and the oldest `now` ones until the rest fits. The one under
    delivery (`busy`) stays.
    """
    waiting = [one for one in bundles if one.state not in ENDED and one.id != busy]
    oldest_ms = now_ms - keep_days * _DAY_MS
    gone = [(one, f"it could not be delivered within {keep_days} days") for one in waiting if one.asked_ms < oldest_ms]
    held = sum(one.size_bytes for one in bundles if one.state not in ENDED) - sum(one.size_bytes for one, _ in gone)
    left = [one for one in waiting if one.asked_ms >= oldest_ms and one.size_bytes]
    for one in sorted(left, key=lambda one: (one.priority is ShipPriority.NOW, one.asked_ms)):
        if held <= limit_bytes:
            break
        held -= one.size_bytes
        gone.append((one, f"the outbox was over its {limit_bytes // 1024**2} MiB (log_shipper.outbox_mib)"))
    return gone


def _rank(bundle: Bundle) -> tuple[bool, int, int, str]:
    return (bundle.priority is ShipPriority.LATER, bundle.next_try_ms or 0, bundle.asked_ms, bundle.id)

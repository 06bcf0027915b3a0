"""What is asked of a store with such a journal, each through the gateway by a POS, and how long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.bench.journal.filling import Filled
from tests.bench.overload.tally import percentile_ms
from tests.harness import Store
from tests.harness.journals import Place
from tests.harness.waiting import eventually
from tpayd.transaction.journal import verifying
from tpayd.transaction.journal.progress import Progress
from tpayd_client import Pos

__all__ = ["ask_all", "bytes_of", "ready_s", "sell", "verify_s"]

T = TypeVar("T")

_READY_WAIT_S = 120.0
_LOOK_S = 0.01


def sell(store: Store, lanes: int, seconds: float) -> list[float]:
    """Each lane sells again as soon as it has its answer; how long each sale took, in ms."""
    command = [sys.executable, "-m", "tests.bench.load", "chain", str(lanes), str(seconds), str(store.instance.home)]
    told = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    times: list[float] = json.loads(told.stdout.splitlines()[-1])["times_ms"]
    return times


def ask_all(store: Store, filled: Filled) -> dict[str, float]:
    """Every question once or many times, by the name of its figure."""
    told: dict[str, float] = {}
    with store.client() as pos:
        for age, keys in (("old", filled.oldest), ("new", filled.newest)):
            times = _times_ms(pos, lambda pos, key: pos.status(*key), keys)
            told |= {f"status_{age}_p50_ms": percentile_ms(times, 50), f"status_{age}_p99_ms": percentile_ms(times, 99)}
        times = _times_ms(pos, lambda pos, key: pos.explain(*key), [*filled.oldest, *filled.newest])
        told |= {"explain_p50_ms": percentile_ms(times, 50), "explain_p99_ms": percentile_ms(times, 99)}
        told["explain_far_ms"] = max(_times_ms(pos, lambda pos, key: pos.explain(*key), [filled.voided_late]))
        (told["search_ms"],) = _times_ms(pos, lambda pos, name: pos.explain(None, payment_id=name), [filled.payment_id])
        told["totals_old_ms"] = min(_times_ms(pos, Pos.totals, [filled.old_day] * 3))
        told["totals_ms"] = min(_times_ms(pos, Pos.totals, [None] * 3))
        (told["close_ms"],) = _times_ms(pos, Pos.close_business, [None])
    return told


def ready_s(store: Store) -> float:
    """From the start of a new transaction process until it says that it is ready."""
    store.kill("transaction")
    # Else the gateway could take the new process for the old one, and find the connection lost in the middle of a sale.
    eventually(lambda: not store.reaches_all("gateway"), timeout_s=30, what="a gateway that misses transaction")
    began_s = time.monotonic()
    store.start("transaction")
    while (health := store.health("transaction", 0.5)) is None or health.readiness != "ready":
        if time.monotonic() - began_s > _READY_WAIT_S:
            raise TimeoutError(f"transaction is not ready after {_READY_WAIT_S:.0f} s: {health}")
        time.sleep(_LOOK_S)
    took_s = time.monotonic() - began_s
    eventually(lambda: store.reaches_all("gateway"), timeout_s=30, what="a gateway that has transaction again")
    return took_s


def verify_s(url: str, lane: str | None, told: Progress) -> float:
    """A walk over the journal, or over one lane of it. Raises RuntimeError where it is damaged."""
    began_s = time.monotonic()
    found = verifying.verify(url, told, lane)
    if not found.intact:
        raise RuntimeError(f"the journal is damaged: {found.findings[:3]}")
    return time.monotonic() - began_s


def bytes_of(place: Place) -> int:
    """Room that the journal takes, its log not counted."""
    if place.engine == "sqlite":
        return int(place.rows("pragma page_count")[0][0]) * int(place.rows("pragma page_size")[0][0])
    return int(place.rows("select pg_database_size(current_database())")[0][0])


def _times_ms(pos: Pos, ask: Callable[[Pos, T], object], about: Sequence[T]) -> list[float]:
    times = []
    for each in about:
        began_ns = time.perf_counter_ns()
        ask(pos, each)
        times.append((time.perf_counter_ns() - began_ns) / 1e6)
    return times

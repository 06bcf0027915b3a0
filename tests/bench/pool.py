"""`python -m tests.bench.pool [--readers 64] [--lanes 200] [--seconds 10]`: one broker, many readers, more lanes.

The broker and the virtual readers are real processes, each reader on its own pty; this process asks in the place of the
transaction service, for all lanes at once. Readers stand in pools of eight; each lane may use two of them, and every
tenth lane has a priority. Each lane asks again as soon as it has given its reader back. Two phases:

* `lend`: a lane gets a reader and gives it back, which is the pool's own work;
* `card`: a lane gets a reader, has a card read there, and gives it back, as in a payment.

The last line of the output is for scripts:
`bench-pool: leases_per_s=… cards_per_s=… wait_p50_ms=… wait_p95_ms=… wait_max_ms=… cpu_us=… fairness=…`
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.machine import cpu_s
from tests.harness import Store
from tests.integration.readers.counter import Counter, counter_of, load_key, now14, ref, wait_for
from tpayd_contracts.device import LEASE_RELEASE, AcquireLease, ReleaseLeases, TransactionType
from tpayd_contracts.pooling import POOL_STATUS, PoolQuery, PoolStatus
from tpayd_contracts.taking import CARD_TAKE, TakeCard

__all__ = ["Phase", "main", "measure"]

_POOL_SIZE = 8
_CARD = "visa-tap"
_WAIT_S = 60.0

Turn = Callable[[Counter, str], Awaitable[float]]
"""One turn of a lane; returns the seconds until it had a reader."""


@dataclass
class Phase:
    """What a phase gave."""

    name: str
    seconds: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    cpu_s: float = 0.0
    """Of the broker alone."""

    @property
    def per_s(self) -> float:
        return len(self.waits_s) / self.seconds

    @property
    def cpu_us(self) -> float:
        """For each turn."""
        return self.cpu_s / len(self.waits_s) * 1e6

    def wait_ms(self, percent: int) -> float:
        """Nearest rank."""
        ordered = sorted(self.waits_s)
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] * 1000


def settings(readers: int, lanes: int) -> dict[str, object]:
    """Pools of eight; a lane prefers one and may use the next; every tenth lane goes first."""
    pools = [f"pool-{number}" for number in range(max(1, readers // _POOL_SIZE))]
    names = [f"reader-{number}" for number in range(1, readers + 1)]
    return {
        "waiting_max": max(256, lanes),
        "pools": [{"name": pool} for pool in pools],
        "devices": [
            {"name": name, "port": f"sandbox/readers/{name}", "pool": pools[place % len(pools)]}
            for place, name in enumerate(names)
        ],
        "lanes": [
            {
                "name": str(lane),
                "pools": list(dict.fromkeys((pools[lane % len(pools)], pools[(lane + 1) % len(pools)]))),
                "priority": 5 if lane % 10 == 0 else 0,
            }
            for lane in range(1, lanes + 1)
        ],
    }


async def lend(counter: Counter, lane: str) -> float:
    """A reader and nothing else."""
    asked_s = time.monotonic()
    lease = await counter.acquire(lane, ttl_s=_WAIT_S)
    waited_s = time.monotonic() - asked_s
    await counter.caller.call(LEASE_RELEASE, ReleaseLeases((ref(lease),)))
    return waited_s


async def card(counter: Counter, lane: str) -> float:
    """A reader and a card. The wait is told by the broker's own figures, since the lease comes with the card."""
    asked_s = time.monotonic()
    wish = TakeCard(
        wish=AcquireLease(lane, "payment"), reader_wait_s=_WAIT_S, type=TransactionType.CREDIT, amount_minor=1_000,
        at=now14(), card_wait_s=20.0,
    )  # fmt: skip
    taken = await counter.caller.call(CARD_TAKE, wish, ttl_s=2 * _WAIT_S)
    if taken.card is None:
        raise RuntimeError(f"no card on {taken.lease.device}: {taken.failure}")
    await counter.caller.call(LEASE_RELEASE, ReleaseLeases((ref(taken.lease),)))
    return time.monotonic() - asked_s


async def _run(store: Store, name: str, turn: Turn, lanes: int, seconds: float) -> Phase:
    phase = Phase(name)
    pids = [store["device_broker"].pid]
    async with counter_of(store) as counter:
        began_s, cpu_before_s = time.monotonic(), cpu_s(pids)

        async def lane_of(number: int) -> None:
            while time.monotonic() < began_s + seconds:
                phase.waits_s.append(await turn(counter, str(number)))

        await asyncio.gather(*(lane_of(number) for number in range(1, lanes + 1)))
        phase.seconds = time.monotonic() - began_s
        phase.cpu_s = cpu_s(pids) - cpu_before_s
    return phase


def measure(directory: Path, readers: int, lanes: int, seconds: float) -> tuple[Phase, Phase, PoolStatus]:
    """Both phases, and what the broker says of them."""
    told = {"device_broker": settings(readers, lanes)}
    services = ("sandbox_readers", "device_broker")
    with Store(directory, services=services, lanes=lanes, readers=readers, settings=told) as store:
        for number, name in enumerate(store.plan.reader_names, start=1):
            wait_for(store, name, timeout_s=60)
            load_key(store, name, number)
            wait_for(store, name, timeout_s=60)
        lent = asyncio.run(_run(store, "lend", lend, lanes, seconds))
        store.hold_cards(_CARD)
        read = asyncio.run(_run(store, "card", card, lanes, seconds))
        status = store.ask("device_broker", POOL_STATUS, PoolQuery(), name="gateway")
    return lent, read, status


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pool", description=__doc__)
    parser.add_argument("--readers", type=int, default=64)
    parser.add_argument("--lanes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0, help="for each of the two phases (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name:
        lent, read, status = measure(Path(name), options.readers, options.lanes, options.seconds)
    for phase in (lent, read):
        print(
            f"{phase.name}: {phase.per_s:,.0f} a second; time to the {'reader' if phase is lent else 'card'} "
            f"p50 {phase.wait_ms(50):.0f} ms, p95 {phase.wait_ms(95):.0f} ms, longest {phase.wait_ms(100):.0f} ms; "
            f"broker {phase.cpu_us:.0f} us of CPU each, {phase.cpu_s / phase.seconds:.0%} of a processor"
        )
    fairness = status.fairness if status.fairness is not None else 0.0
    print(f"fairness {fairness:.3f}; most turns that a lane got before another, in one wait: {status.most_overtaken}")
    print(
        f"bench-pool: leases_per_s={lent.per_s:.0f} cards_per_s={read.per_s:.0f} wait_p50_ms={lent.wait_ms(50):.1f} "
        f"wait_p95_ms={lent.wait_ms(95):.1f} wait_max_ms={lent.wait_ms(100):.1f} cpu_us={lent.cpu_us:.0f} "
        f"fairness={fairness:.3f} most_overtaken={status.most_overtaken}"
    )


if __name__ == "__main__":
    main()

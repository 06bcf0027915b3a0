"""`python -m tests.bench.start [--rounds 5]`: from `tpayd up` until the store is ready to sell.

A sandbox store of two lanes, installed from a wheel and signed, all its processes under supervisor; keys are exchanged
and its journal exists, as on any morning but the first. A round is `tpayd up --wait`, then a sale that must be paid,
then `tpayd down`. The file cache is warm: the first round is not counted.

The last line of the output is for scripts:
`bench-start: ready_s=… lowest_s=… highest_s=… cpu_s=… processes=…`
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import CpuClock, cpu_s
from tests.harness.installation import Installation, InstalledStore
from tpayd.supervision.processes import modules_of

__all__ = ["Start", "main", "measure"]

_CARD = "visa-tap"


@dataclass(frozen=True)
class Start:
    """One round."""

    ready_s: float
    cpu_s: Mapping[str, float]
    """By process, until the command line said that all is ready. The launcher and the command line come on top."""
    foreign: float
    """Part of the machine that others used, 0 to 1; what is not a process of ours by the end counts as others'."""


def _start(store: InstalledStore) -> Start:
    before = CpuClock.read(())
    began = time.monotonic()
    store.tpayd("up", "--wait")
    ready_s = time.monotonic() - began
    modules = modules_of(store.instance.home)
    spent = {module: cpu_s([pid]) for pid, module in modules.items()}
    after = CpuClock.read(modules)
    return Start(ready_s, spent, after.foreign_share(before))


def measure(directory: Path, rounds: int) -> list[Start]:
    """So many starts of a store in `directory`, after one that is not counted."""
    installation = Installation.make(directory)
    store = InstalledStore(directory, installation)
    store.tpayd("integrity", "sign")
    starts = []
    try:
        store.tpayd("up")
        store.open_shop()
        store.tpayd("down")
        for _ in range(rounds + 1):
            starts.append(_start(store))
            store.hold_cards(_CARD)
            store.tpayd("sale", "5000", "--allow-duplicate")
            store.tpayd("down")
    finally:
        store.tpayd("down")
    return starts[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    with tempfile.TemporaryDirectory(prefix="tpayd-start-") as name:
        starts = measure(Path(name), parser.parse_args().rounds)
    for start in starts:
        slowest = sorted(start.cpu_s.items(), key=lambda item: -item[1])
        told = ", ".join(f"{module} {seconds * 1000:.0f}" for module, seconds in slowest)
        print(f"ready after {start.ready_s:.2f} s; others and the command line {start.foreign:.0%}; CPU ms: {told}")
    ready = [start.ready_s for start in starts]
    spent = statistics.median(sum(start.cpu_s.values()) for start in starts)
    print(
        f"bench-start: ready_s={statistics.median(ready):.2f} lowest_s={min(ready):.2f} highest_s={max(ready):.2f} "
        f"cpu_s={spent:.2f} processes={len(starts[-1].cpu_s)}"
    )


if __name__ == "__main__":
    main()

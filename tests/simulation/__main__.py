"""`make simulate`: many seeds and all planted bugs, or one seed with its story.

python -m tests.simulation --seeds 10000
python -m tests.simulation --seed 123
python -m tests.simulation --seed 123 --bug skip-the-sync
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.crowd import hunt_all, run_all
from tests.simulation.planting import bugs, plant

_SHOWN_MAX = 3
"""Failing seeds whose story is told."""


def main() -> int:
    """0 if no promise was broken, and every planted bug found."""
    parser = argparse.ArgumentParser(prog="make simulate", description="See docs/guarantees.md, 'Simulation'.")
    parser.add_argument("--seeds", type=int, default=2_000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone, with its story")
    parser.add_argument("--bug", help="with this planted bug (needs --seed)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _one(arguments.seed, arguments.bug)
    return _many(arguments.first, arguments.seeds)


def _many(first: int, count: int) -> int:
    began_s = time.monotonic()
    failed: list[int] = []
    for done, failures in run_all(first, count):
        for failure in failures:
            failed.append(failure.seed)
            print(f"seed {failure.seed}: {failure.violations[0]}")
            print(f"  replay: make simulate SEED={failure.seed}")
        if done % 1000 == 0:
            print(f"{done} seeds, {len(failed)} violations, {time.monotonic() - began_s:.0f} s", flush=True)
    for seed in failed[:_SHOWN_MAX]:
        _one(seed, None)
    total = found = 0
    for find in hunt_all():
        total += 1
        found += find.seed is not None
        how = f"seed {find.seed}: {find.violation}" if find.seed is not None else f"NOT FOUND {find.violation}"
        print(f"planted {find.bug.name:<34} {how.splitlines()[0][:150]}", flush=True)
    print(
        f"simulate: seeds={count} violations={len(failed)} planted={found}/{total} "
        f"seconds={time.monotonic() - began_s:.0f}"
    )
    return 0 if not failed and found == total else 1


def _one(seed: int, bug: str | None) -> int:
    if bug is not None:
        plant(next(one for one in bugs() if one.name == bug))
    from tests.simulation.plan import Plan, plan_of
    from tests.simulation.shrink import shrink
    from tests.simulation.world import run

    plan = plan_of(seed)
    whole = run(plan, keep=True)
    if not whole.violations:
        print("\n".join(whole.story))
        print(f"seed {seed}: no violation; {whole.payments} orders, trace {whole.digest}")
        return 0

    def fails(smaller: Plan) -> bool:
        return bool(run(smaller).violations)

    small = shrink(plan, fails)
    outcome = run(small, keep=True)
    print(f"seed {seed}: {whole.violations[0]}")
    print(f"smallest plan that still fails: {len(small.visits)} visits, {len(small.faults)} faults")
    for thing in (*small.visits, *small.faults):
        print(f"  {thing}")
    print("what happens:")
    print("\n".join(f"  {line}" for line in outcome.story))
    print(f"replay: make simulate SEED={seed}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

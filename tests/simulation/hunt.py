"""Hunt one planted bug: `python -m tests.simulation.hunt NAME FIRST COUNT`. Prints the seed that found it.

A process of its own, since the bug is planted as the product is imported.
"""

from __future__ import annotations

import json
import sys

from tests.simulation.planting import bugs, plant


def main(name: str, first: int, count: int) -> int:
    """0 if it was found."""
    bug = next(bug for bug in bugs() if bug.name == name)
    plant(bug)
    from tests.simulation.plan import plan_of
    from tests.simulation.world import run

    for seed in (bug.found_by, *range(first, first + count)):
        outcome = run(plan_of(seed))
        if outcome.violations:
            print(json.dumps({"seed": seed, "violation": outcome.violations[0]}))
            return 0
    print(json.dumps({"seed": None, "violation": None}))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

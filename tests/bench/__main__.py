"""`python -m tests.bench [--quick] [--rounds N] [--json FILE]`: the whole chain, the floor and the plain chain.

The last line of the output is for scripts:
`bench: c1_p50_ms=… floor_ratio=… c64_per_s=… plain_ratio=… cpu_us=…`
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.bench.contest import FULL, QUICK, contest
from tests.bench.figures import Figure, cpu_us_by_process, figures, last_line, spoiled
from tests.bench.machine import Machine, describe
from tests.bench.rounds import Phase

_RESULT = Path("var/bench.json")


def main() -> None:
    """Run the rounds, print the figures, write them down."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds of half a second each: a first look")
    parser.add_argument("--rounds", type=int, help="how often the chains take turns; 3 with --quick, else 5")
    parser.add_argument("--json", type=Path, default=_RESULT, help="result file (default: %(default)s)")
    options = parser.parse_args()
    rounds_wanted = options.rounds or (3 if options.quick else 5)
    with tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name:
        machine = describe(Path(name))
        _print_machine(machine)
        rounds = contest(Path(name), QUICK if options.quick else FULL, rounds_wanted)
    told = figures(rounds)
    for figure, value in told.items():
        print(f"{figure:18} {value}")
    by_process = cpu_us_by_process(rounds, "chain")
    print("cpu_us by process:", ", ".join(f"{name} {value.median:.0f}" for name, value in by_process.items()))
    for sentence in spoiled(rounds):
        print(f"disturbed: {sentence}")
    _write(options.json, machine, told, rounds)
    print(last_line(told))


def _write(path: Path, machine: Machine, told: dict[str, Figure], rounds: list[list[Phase]]) -> None:
    """Everything but the single times, of which there are too many to be of use."""
    phases = [
        [{key: value for key, value in asdict(phase).items() if key != "times_ms"} | {"sales": len(phase.times_ms)}
         for phase in phases]
        for phases in rounds
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "machine": asdict(machine),
        "figures": {name: asdict(figure) for name, figure in told.items()},
        "cpu_us_by_process": {name: asdict(figure) for name, figure in cpu_us_by_process(rounds, "chain").items()},
        "disturbed": spoiled(rounds),
        "rounds": phases,
    }
    path.write_text(json.dumps(result, indent=2) + "\n")


def _print_machine(machine: Machine) -> None:
    print(
        f"{machine.cpus} x {machine.cpu}, Linux {machine.kernel}, Python {machine.python}; "
        f"journals on {machine.file_system}, one sync {machine.sync_us:.0f} us"
    )


if __name__ == "__main__":
    main()

"""`python -m tests.crashpoints [--points P…] [--behaviours B…] [--passings N…] [--order O]`: the crash-point matrix.

Real processes under supervisor. In each cell a process kills itself at the n-th passing of a point while a POS sells
under one behaviour of the host; when all has healed, what the POS was told, the journal and the host's ledger must
agree. A cell shows the verdict of each passing: P is PAID, N is NOT PAID, `-` where the point is not passed with that
behaviour, `!` for a hole. Exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.crashpoints.cells import BEHAVIOURS, ORIGINALS, PASSINGS, PAYING, Found, all_cells, spread
from tests.crashpoints.work import try_all
from tpayd.kit.crashpoints import TABLE

_PLACE = Path("var/crashpoints")
_SIGNS = {"PAID": "P", "NOT_PAID": "N", None: "-"}


def main() -> int:
    """Try every cell, print the matrix."""
    parser = argparse.ArgumentParser(prog="python -m tests.crashpoints", description=__doc__)
    parser.add_argument("--points", nargs="+", default=list(TABLE), choices=list(TABLE), metavar="POINT")
    parser.add_argument("--behaviours", nargs="+", default=list(BEHAVIOURS), choices=list(BEHAVIOURS))
    parser.add_argument("--passings", nargs="+", type=int, default=list(PASSINGS))
    parser.add_argument("--order", default="sale", choices=[*PAYING, *ORIGINALS], help="what is asked for")
    parser.add_argument("--stores", type=int, default=3, help="how many are used at once (default: %(default)s)")
    options = parser.parse_args()
    cells = spread(all_cells(options.points, options.behaviours, options.passings, options.order))
    began_s = time.monotonic()
    found: list[Found] = []
    for each in try_all(cells, options.stores, _PLACE):
        found.append(each)
        _show(each, len(found), len(cells))
    print(*_matrix(found, options.points, options.behaviours), sep="\n")
    holes = [each for each in found if each.holes]
    for each in holes:
        print(f"HOLE {each.cell}:", *each.holes, sep="\n    ")
    if holes:
        print(f"the stores' logs and books are kept in {_PLACE}; again: python -m tests.crashpoints --points …")
    else:
        shutil.rmtree(_PLACE, ignore_errors=True)
    passed = [each for each in found if each.verdict is not None]
    print(
        f"crashpoints: points={len({each.cell.point for each in passed})}/{len(options.points)} cells={len(found)} "
        f"kills={len(passed)} holes={len(holes)} max_verdict_s={max([0.0, *(each.verdict_s for each in passed)]):.2f} "
        f"seconds={time.monotonic() - began_s:.0f}"
    )
    return 1 if holes or len(found) < len(cells) else 0


def _show(each: Found, count: int, of: int) -> None:
    cell = each.cell
    what = "HOLE" if each.holes else each.verdict or "not passed"
    print(f"{count}/{of} {cell.point} x {cell.behaviour} x {cell.passing}: {what} {each.verdict_s:.2f} s", flush=True)


def _matrix(found: Sequence[Found], points: Sequence[str], behaviours: Sequence[str]) -> list[str]:
    signs: dict[tuple[str, str], list[str]] = {}
    for each in sorted(found, key=lambda each: each.cell.passing):
        sign = "!" if each.holes else _SIGNS[each.verdict]
        signs.setdefault((each.cell.point, each.cell.behaviour), []).append(sign)
    width = max(map(len, points)) + 1
    lines = [" " * width + " ".join(f"{behaviour:8}" for behaviour in behaviours)]
    for point in points:
        row = (" ".join(signs.get((point, behaviour), ["?"])) for behaviour in behaviours)
        lines.append(f"{point:{width}}" + " ".join(f"{cell:8}" for cell in row))
    return lines


if __name__ == "__main__":
    sys.exit(main())

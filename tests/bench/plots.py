"""`python -m tests.bench.plots [--from DIRECTORY] [--to DIRECTORY]`: the matrix as pictures, its figures in a file.

Pictures are SVG without scripts or links to other places, and the same bytes for the same figures.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from tests.bench.matrix import DIRECTORY, PARTS

__all__ = ["draw"]

_FIGURES = "matrix.json"
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_PERCENTILES = {"p50": "median", "p99": "99 %", "p999": "99.9 %"}
_CPU_LANES = 64

Parts = Mapping[str, Mapping[str, Any]]

_COLOURS = {"sqlite": "tab:blue", "postgresql": "tab:orange"}
_STROKES = {"p50": "-", "p99": "--", "p999": ":"}
_INCHES = (8.0, 4.4)
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tpayd",
    "font.family": "sans-serif",
    "font.size": 9,
}


def main() -> None:
    """Draw what is there; parts that were not measured are left out, and told."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.plots", description=__doc__)
    parser.add_argument("--from", dest="source", type=Path, default=DIRECTORY, help="(default: %(default)s)")
    parser.add_argument("--to", dest="target", type=Path, default=DIRECTORY, help="(default: %(default)s)")
    options = parser.parse_args()
    paths = {part.name: options.source / f"{part.name}.json" for part in PARTS}
    if missing := [name for name, path in paths.items() if not path.exists()]:
        print(f"not measured yet, so left out: {', '.join(missing)}")
    parts = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    if not parts:
        parser.error(f"no results in {options.source}; `make bench-all` makes them")
    options.target.mkdir(parents=True, exist_ok=True)
    for name, text in draw(parts).items():
        (options.target / name).write_text(text, encoding="utf-8")
        print(options.target / name)


def draw(parts: Parts) -> dict[str, str]:
    """File names and their contents: pictures, and the figures they show."""
    delays = sorted({told["part"]["host_delay_ms"] for told in parts.values()})
    with mpl.rc_context(_SETTINGS):
        drawn = {f"latency-{delay}ms.svg": _latency(parts, delay) for delay in delays}
        drawn |= {"rate.svg": _rate(parts), "cpu.svg": _cpu(parts)}
    return drawn | {_FIGURES: json.dumps(parts, indent=1) + "\n"}


def _latency(parts: Parts, delay_ms: int) -> str:
    figure, axes = _empty(f"Time of a sale by load; the host answers after {delay_ms} ms")
    for told in parts.values():
        if told["part"]["host_delay_ms"] != delay_ms:
            continue
        loads = [point["load"] * 100 for point in told["open"]]
        for key, percentile in _PERCENTILES.items():
            axes.plot(
                loads,
                [point["times_ms"][key] for point in told["open"]],
                marker="o",
                markersize=4,
                color=_COLOURS[told["part"]["journal"]],
                linestyle=_STROKES[key],
                label=f"{_database(told)}, {percentile}",
            )
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="sales offered, % of what the store can do", ylabel="ms", xticks=(25, 50, 75))
    return _svg(figure, axes)


def _rate(parts: Parts) -> str:
    figure, axes = _empty("Approvals per second, by lanes that sell without a pause")
    for told in parts.values():
        delay_ms = told["part"]["host_delay_ms"]
        axes.plot(
            [str(point["lanes"]) for point in told["closed"]],
            [point["per_s"]["median"] for point in told["closed"]],
            marker="o",
            color=_COLOURS[told["part"]["journal"]],
            linestyle="--" if delay_ms else "-",
            label=f"{_database(told)}, host {delay_ms} ms",
        )
    axes.set(xlabel="lanes", ylabel="approvals per second", ylim=(0, None))
    return _svg(figure, axes)


def _cpu(parts: Parts) -> str:
    """One bar for each store, cut by process; those beside the chain stand at its end."""
    figure, axes = _empty(f"CPU per sale by process, {_CPU_LANES} lanes")
    stores = [f"{_database(told)},\nhost {told['part']['host_delay_ms']} ms" for told in parts.values()]
    costs = [_at(told["closed"], _CPU_LANES)["cpu_us"] for told in parts.values()]
    left = [0.0] * len(stores)
    for number, process in enumerate(dict.fromkeys(name for cost in costs for name in cost)):
        widths = [cost.get(process, 0.0) for cost in costs]
        axes.barh(stores, widths, left=left, color=f"C{number}", label=process)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set(xlabel="µs")
    return _svg(figure, axes)


def _empty(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_INCHES, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title)
    axes.grid(visible=True, alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure, axes: Axes) -> str:
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _at(points: Sequence[Mapping[str, Any]], lanes: int) -> Mapping[str, Any]:
    return next(point for point in points if point["lanes"] == lanes)


def _database(told: Mapping[str, Any]) -> str:
    return _DATABASES[told["part"]["journal"]]


if __name__ == "__main__":
    main()

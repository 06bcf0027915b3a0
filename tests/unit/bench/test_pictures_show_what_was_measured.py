"""Pictures are made of the matrix's figures alone, and need nothing but themselves."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from tests.bench.rounds import Phase
from tests.bench.summary import point

pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")


def part(journal: str, host_delay_ms: int, time_ms: float) -> dict[str, Any]:
    """What the matrix writes of one store."""
    closed = [point([Phase("chain", lanes, [time_ms] * 9, 1.0, {"gateway": 1.0}, {}, 0.0)]) for lanes in (1, 8, 64)]
    opened = [
        point([Phase("chain", 64, [time_ms] * 9, 1.0, {"gateway": 1.0}, {}, 0.0, 9.0)], load)
        for load in (0.25, 0.5, 0.75)
    ]
    return {
        "part": {"journal": journal, "host_delay_ms": host_delay_ms},
        "closed": [asdict(each) for each in closed],
        "open": [asdict(each) for each in opened],
    }


PARTS = {"sqlite-0ms": part("sqlite", 0, 5.0), "postgresql-50ms": part("postgresql", 50, 60.0)}


def test_the_same_figures_are_the_same_pictures() -> None:
    """So a change in docs/ is a change in the figures."""
    from tests.bench.plots import draw

    assert draw(PARTS) == draw(PARTS)


def test_each_host_delay_has_a_picture_and_each_store_its_lines() -> None:
    """Texts are texts: what a picture says can be searched. No script, nothing loaded from elsewhere."""
    from tests.bench.plots import draw

    drawn = draw(PARTS)
    assert {"latency-0ms.svg", "latency-50ms.svg", "rate.svg", "cpu.svg", "matrix.json"} == drawn.keys()
    assert "SQLite, 99.9 %" in drawn["latency-0ms.svg"]
    assert "PostgreSQL" not in drawn["latency-0ms.svg"]
    assert "PostgreSQL, host 50 ms" in drawn["rate.svg"]
    assert "gateway" in drawn["cpu.svg"]
    assert not [name for name, text in drawn.items() if "<script" in text or "<image" in text]
    assert PARTS == json.loads(drawn["matrix.json"])

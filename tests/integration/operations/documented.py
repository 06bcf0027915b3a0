"""The table of metrics in docs/metrics.md, and the same of a scrape."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
_ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \| (?P<type>\w+) \| (?P<labels>[^|]*) \| (?P<text>[^|]*) \|$", re.MULTILINE)
_OF_A_HISTOGRAM = {"le"}


@dataclass(frozen=True)
class Described:
    """One metric: its name as it is asked for, its type, the names of its labels, and what it means."""

    name: str
    type: str
    labels: frozenset[str]
    text: str

    @property
    def row(self) -> str:
        labels = ", ".join(f"`{label}`" for label in sorted(self.labels))
        return f"| `{self.name}` | {self.type} | {labels} | {self.text} |"


def documented() -> dict[str, Described]:
    """By name."""
    rows = list(_ROW.finditer(DOCUMENT.read_text(encoding="utf-8")))
    assert len(rows) == len({row["name"] for row in rows}), "a metric is listed twice"
    return {
        row["name"]: Described(row["name"], row["type"], frozenset(re.findall(r"`(\w+)`", row["labels"])), row["text"])
        for row in rows
    }


def described(text: str) -> dict[str, tuple[Described, bool]]:
    """What a scrape says of itself, by name; the flag says whether there was a sample to see its labels by."""
    found: dict[str, tuple[Described, bool]] = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - _OF_A_HISTOGRAM
        meaning = family.documentation.removesuffix(".")
        found[name] = Described(name, family.type, frozenset(labels), meaning), bool(family.samples)
    return found

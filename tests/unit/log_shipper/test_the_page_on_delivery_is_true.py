"""docs/log-delivery.md says what the table and the settings say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from msgspec import convert

from tpayd.log_shipper.delivery import DestinationSettings
from tpayd.log_shipper.delivery.retry import RULES, Rule

PAGE = (Path(__file__).parents[3] / "docs" / "log-delivery.md").read_text(encoding="utf-8")
_UNITS = {"s": 1, "min": 60, "h": 3600}


def spans() -> list[tuple[float, float, bool]]:
    """First wait, longest wait, and whether somebody has to act, of each row."""
    found: list[tuple[float, float, bool]] = []
    for row in re.findall(r"^\| [^|]+ \| (\d[^|]*) \| ([^|]*)\|$", PAGE, re.MULTILINE):
        times = [int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+) (s|min|h)\b", row[0])]
        found.append((times[0], times[-1], bool(row[1].strip())))
    return found


def test_each_wait_is_as_the_table_has_it() -> None:
    """No row is missing, and none is made up."""

    def told(rule: Rule) -> tuple[float, float, bool]:
        return rule.first_s, rule.most_s, rule.needs_human

    assert {told(rule) for rule in RULES.values()} == set(spans())


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_each_example_is_a_destination(example: str) -> None:
    """Copied as it is, with the vendor's real key."""
    text = example.replace("AAAAC3Nza…", "AAAAC3NzaC1lZDI1NTE5AAAAIEaEvOoLl0")
    assert convert(tomllib.loads(text)["destination"], DestinationSettings).place.directory == "/incoming"

"""docs/features.md: every row has its test or says that it comes later, and every feature test has its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
TESTS = ROOT / "tests" / "features"
NOT_YET = "not yet"
ROWS = {
    cells[0]: cells
    for line in PAGE.splitlines()
    if re.match(r"\| T\d+ \|", line) and (cells := [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
}
FILES = sorted(path.name for path in TESTS.glob("test_t*.py"))


def named_in(row: str) -> list[str]:
    return re.findall(r"test_t\w+\.py", ROWS[row][4])


def test_every_row_of_the_manual_is_there() -> None:
    """T1 to T32, each with what it means."""
    assert [f"T{number}" for number in range(1, 33)] == list(ROWS)
    assert [] == [row for row, cells in ROWS.items() if len(cells) != 5 or not cells[1]]


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_its_test_or_says_that_it_comes_later(row: str) -> None:
    """A test that is there, of that row's number, and that names the row."""
    named = named_in(row)
    assert bool(named) != (ROWS[row][4] == NOT_YET)
    for name in named:
        assert name.startswith(f"test_t{int(row[1:]):02}_")
        assert re.search(rf"\b{row}\b", (TESTS / name).read_text(encoding="utf-8").split('"""')[1])


def test_every_feature_test_has_its_row() -> None:
    """So that the table is the whole list."""
    numbers = {name: int(re.sub(r"\D.*", "", name.removeprefix("test_t"))) for name in FILES}
    assert [] == [name for name, number in numbers.items() if name not in named_in(f"T{number}")]

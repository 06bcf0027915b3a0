"""A package's docstring is its map: no module that is gone, and in the large packages all that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SERVICES = Path(__file__).resolve().parents[3] / "services" / "tpayd"
WHOLE = ("device_broker", "log_shipper", "supervision", "updater")
MAPS = sorted(str(path.parent.relative_to(SERVICES)) for path in SERVICES.rglob("__init__.py"))


def named(package: str) -> set[str]:
    """In the lines of its map, where they begin: `* `one`, `two/`  what they are`."""
    text = ast.get_docstring(ast.parse((SERVICES / package / "__init__.py").read_bytes())) or ""
    lines = re.findall(r"^ *\* ((?:`\w+/?`(?:, )?)+)", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"`(\w+)/?`", line)}


def there(package: str) -> set[str]:
    place = SERVICES / package
    packages = {path.parent.name for path in place.glob("*/__init__.py")}
    return {path.stem for path in place.glob("*.py")} - {"__init__", "__main__"} | packages


@pytest.mark.parametrize("package", [each for each in MAPS if named(each)])
def test_what_is_named_is_there(package: str) -> None:
    assert set() == named(package) - there(package)


@pytest.mark.parametrize("package", WHOLE)
def test_what_is_there_is_named(package: str) -> None:
    """Where there is much, a newcomer would not look for what the map does not show."""
    assert there(package) == named(package)

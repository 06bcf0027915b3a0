"""The docstring of tpayd.transaction is its map for a newcomer."""

from __future__ import annotations

import pkgutil
import re

from tpayd import transaction


def test_the_map_shows_every_module_once() -> None:
    """And none that is gone."""
    there = sorted(module.name for module in pkgutil.iter_modules(transaction.__path__) if module.name != "__main__")
    assert there == sorted(re.findall(r"^ +\* `(\w+)/?`", transaction.__doc__ or "", re.MULTILINE))

"""ops/release/imports.py: a program that is taken elsewhere has along all that it imports, or is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.release.errors import ReleaseToolError
from ops.release.imports import files_needed


def shelf(place: Path, **modules: str) -> Path:
    """Source below `place`, a package's `__init__` among it; `__` in a name stands for a slash."""
    for name, text in modules.items():
        file = place / "shop" / f"{name.replace('__', '/')}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in (file.parent, place / "shop"):
            (folder / "__init__.py").touch()
        file.write_text(text, encoding="utf-8")
    return place


def test_each_file_comes_after_those_that_it_imports(tmp_path: Path) -> None:
    """However it imports them: modules, names, packages, relatively, or late."""
    source = shelf(
        tmp_path, till="import json\nfrom shop import paper\nfrom shop.ink.colours import BLACK\n",
        paper="def cut():\n    import shop.knife\n", knife="from .ink import pot\n", ink__colours="BLACK = 1\n",
        ink__pot="", not_asked_for="",
    )  # fmt: skip

    assert (
        "shop/__init__.py", "shop/ink/__init__.py", "shop/ink/pot.py", "shop/knife.py", "shop/paper.py",
        "shop/ink/colours.py", "shop/till.py",
    ) == files_needed("shop.till", source)  # fmt: skip


def test_what_type_checkers_read_stays_here(tmp_path: Path) -> None:
    """It may import anything; what stands in the `else` counts."""
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import attrs\nelse:\n    import shop.paper\n"
    source = shelf(tmp_path, till=text, paper="")

    assert ("shop/__init__.py", "shop/paper.py", "shop/till.py") == files_needed("shop.till", source)


def test_modules_that_import_each_other(tmp_path: Path) -> None:
    source = shelf(tmp_path, till="import shop.paper\n", paper="def late():\n    import shop.till\n")

    assert ("shop/__init__.py", "shop/paper.py", "shop/till.py") == files_needed("shop.till", source)


def test_a_foreign_import_is_named_with_its_place(tmp_path: Path) -> None:
    source = shelf(tmp_path, till="import shop.paper\n", paper="import json\n\nfrom attrs import define\n")

    with pytest.raises(ReleaseToolError, match=r"^shop/paper\.py, line 3: imports attrs; .*the standard library, tuf "):
        files_needed("shop.till", source, ("tuf",))
    assert "shop/till.py" == files_needed("shop.till", source, ("attrs",))[-1]


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ReleaseToolError, match=r"no module shop\.till below"):
        files_needed("shop.till", tmp_path)

"""The launcher's copy outside all releases runs by itself, and holds what it imports: no less, no more."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ops.release.imports import files_needed
from tpayd.kit.instance import Instance
from tpayd.supervision.outside import base_python, launcher_outside

SOURCE = Path(__file__).resolve().parents[3] / "services"


def test_it_holds_what_it_imports(tmp_path: Path) -> None:
    """All of it from tpayd or the standard library, what it imports only when it is needed as well."""
    place = launcher_outside(Instance.open(tmp_path / "store"))

    copied = {str(path.relative_to(place)) for path in place.rglob("*.py")} - {"__main__.py"}
    assert set(files_needed("tpayd.supervision.launcher", SOURCE)) == copied


def test_the_systems_python_runs_it(tmp_path: Path) -> None:
    """Without anything that is installed."""
    place = launcher_outside(Instance.open(tmp_path / "store"))

    done = subprocess.run(
        [base_python(), "-I", str(place), "--help"], check=True, capture_output=True, text=True, timeout=30
    )
    assert "keeps tpayd's supervisor alive" in done.stdout

"""What docs/drivers.md tells an author to do, works: outside the project, with the files that it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tpayd.device_broker.drivers.conformance import CHECKS

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "driver"
GUIDE = (ROOT / "docs" / "drivers.md").read_text(encoding="utf-8")
SUITE = [sys.executable, "-m", "tpayd.device_broker.drivers.conformance"]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """An author's own directory, with the example in it."""
    for file in EXAMPLE.glob("toy_*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def run(desk: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(desk), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_example_keeps_every_promise(desk: Path) -> None:
    done = run(desk, *SUITE, "--driver", "toy_driver:driver", "--peer", "toy_peer:peer")
    assert done.stdout.splitlines()[-1].startswith(f"{len(CHECKS)} of {len(CHECKS)} promises kept by toy in ")
    assert done.returncode == 0


def test_the_test_of_the_guide_runs(desk: Path) -> None:
    [test] = [
        block for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "def test_conformance" in block
    ]
    (desk / "test_toy.py").write_text(test, encoding="utf-8")
    done = run(desk, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_toy.py")
    assert f"{len(CHECKS)} passed" in done.stdout


def test_the_guides_options_are_those_of_the_command(desk: Path) -> None:
    shown = run(desk, *SUITE, "--help").stdout
    used = set(re.findall(r"--(?:driver|peer|only|device|baud)\b", GUIDE))
    assert {"--driver", "--peer", "--only", "--device"} == {option for option in used if option in shown}


def test_the_checks_that_the_guide_names_are_there() -> None:
    named = set(re.findall(r"`((?:it|silence|garbage)_[a-z_]+)`", GUIDE))
    assert named
    assert named <= {check.name for check in CHECKS}


def test_every_check_says_what_it_is_about() -> None:
    assert [] == [check.name for check in CHECKS if not check.promise.endswith(".")]
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_a_real_port_that_is_not_there_is_named(desk: Path) -> None:
    done = run(desk, *SUITE, "--driver", "stx", "--device", str(desk / "nothing"))
    assert done.returncode == 2
    assert "nothing" in done.stderr

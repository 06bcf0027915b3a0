"""contracts/schema/ says what the code says, and says it the same way each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tpayd_contracts.schema import __main__ as command
from tpayd_contracts.schema import files

_DIGEST = """
import hashlib
from tpayd_contracts.schema.files import generated, release_files
print(hashlib.sha256(repr([generated(), release_files()]).encode()).hexdigest())
"""


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A freshly written schema directory, in place of the real one."""
    monkeypatch.setattr(command, "directory", lambda: tmp_path)
    assert 0 == command.main([])
    return tmp_path


def test_the_committed_files_are_up_to_date() -> None:
    """Who changes the contract generates its files too."""
    assert [] == files.stale(files.directory())


def test_another_process_generates_the_same_bytes() -> None:
    """No order of sets, hashes or time gets into the files."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            capture_output=True,
            check=True,
            text=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    }
    assert 1 == len(outputs)


def test_a_changed_file_fails_the_check(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file edited by hand is named, with the way out."""
    (copy / "asyncapi.json").write_text("{}")
    assert 1 == command.main(["--check"])
    assert "asyncapi.json is not what the contract generates" in capsys.readouterr().err


def test_a_missing_file_fails_the_check(copy: Path) -> None:
    """A file that was not committed is noticed."""
    (copy / "json" / "payment.sale.json").unlink()
    assert ["json/payment.sale.json"] == files.stale(copy)


def test_a_file_of_a_removed_operation_fails_the_check_and_is_removed(copy: Path) -> None:
    """Files that belong to nothing don't stay."""
    (copy / "json" / "payment.gone.json").write_text("{}")
    assert 1 == command.main(["--check"])
    assert 0 == command.main([])
    assert not (copy / "json" / "payment.gone.json").exists()


def test_a_release_freezes_the_contract_and_its_messages(copy: Path) -> None:
    """Releasing writes what `release_files` names; releasing the same again changes nothing."""
    assert [0, 0] == [command.main(["--release"]), command.main(["--release"])]
    assert files.release_files() == {path: (copy / path).read_bytes() for path in files.release_files()}


def test_a_released_version_is_never_overwritten(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A contract that differs from its release asks for a new version."""
    assert 0 == command.main(["--release"])
    released = next((copy / "released").iterdir())
    released.write_text(json.dumps({"contract": "other"}))
    assert 1 == command.main(["--release"])
    assert "Raise the version" in capsys.readouterr().err
    assert {"contract": "other"} == json.loads(released.read_text())

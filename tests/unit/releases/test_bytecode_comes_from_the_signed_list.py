"""The launcher takes compiled modules only as they were when the installation was signed."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from tpayd.releases.bytecode import ARCHIVE_NAME, listed_archive, make_archive, unpack_archive

LIST = "tpayd-installation.manifest"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One whose `warm_up` imports one module of its own and one of the standard library."""
    root = tmp_path / "env"
    package = root / "lib" / "tpayd" / "supervision"
    package.mkdir(parents=True)
    for place in (package.parent, package):
        (place / "__init__.py").write_text("")
    (package / "warm_up.py").write_text("import time\ntime.sleep(0.05)\nimport colorsys\n")
    (root / "bin").mkdir()
    python = root / "bin" / "python"
    # As an interpreter of that environment would, without making one.
    start = f"import runpy, sys; sys.path.insert(0, {str(root / 'lib')!r}); runpy.run_module(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S -X "$3" -c "{start}" "$5"\n')
    python.chmod(0o755)
    make_archive(root)
    sign(root)
    return root


def sign(root: Path) -> None:
    """A list that names the archive as it is now; its signature is for others to check."""
    content = (root / ARCHIVE_NAME).read_bytes()
    files = {ARCHIVE_NAME: [len(content), hashlib.sha256(content).hexdigest()]}
    payload = base64.b64encode(json.dumps({"files": files}).encode()).decode()
    (root / LIST).write_text(json.dumps({"payload": payload}))


def unpacked(root: Path, directory: Path) -> set[str]:
    directory.mkdir()
    content = listed_archive(root)
    if content is not None:
        unpack_archive(content, root, directory)
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def cached(source: Path) -> str:
    """Where Python looks for a module's bytecode, below its private directory."""
    return str(source.with_name(Path(importlib.util.cache_from_source(source.name)).name)).lstrip("/")


def test_what_is_imported_lies_where_python_looks_for_it(environment: Path, tmp_path: Path) -> None:
    """Modules of the environment and of the standard library, each below the path of its source."""
    files = unpacked(environment, tmp_path / "bytecode")

    assert cached(environment / "lib/tpayd/supervision/__init__.py") in files
    assert cached(Path(os.__file__).with_name("colorsys.py")) in files


def test_an_environment_that_moved_keeps_its_bytecode(environment: Path, tmp_path: Path) -> None:
    """A staged release is signed in one place and run in another."""
    moved = environment.rename(tmp_path / "moved")

    assert cached(moved / "lib/tpayd/supervision/__init__.py") in unpacked(moved, tmp_path / "bytecode")


def test_another_archive_than_the_listed_one_is_left_alone(environment: Path, tmp_path: Path) -> None:
    """One bit, or one byte more, and everything is compiled as if there were none."""
    archive = environment / ARCHIVE_NAME
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert set() == unpacked(environment, tmp_path / "changed")

    archive.write_bytes(content + b"\0")
    assert set() == unpacked(environment, tmp_path / "longer")


def test_an_environment_that_nobody_signed_has_none(environment: Path, tmp_path: Path) -> None:
    """Without a list, with one that is no list, or with one that names no archive."""
    (environment / LIST).write_text("no list")
    assert set() == unpacked(environment, tmp_path / "damaged")

    (environment / LIST).write_text(json.dumps({"payload": base64.b64encode(b'{"files": {}}').decode()}))
    assert set() == unpacked(environment, tmp_path / "unnamed")

    (environment / LIST).unlink()
    assert set() == unpacked(environment, tmp_path / "missing")


def test_nothing_is_written_outside_the_directory(environment: Path, tmp_path: Path) -> None:
    """A listed archive that names a place above is refused, and leaves nothing behind."""
    directory = tmp_path / "bytecode"
    directory.mkdir()
    index = [("system", "lib/first.pyc", 1), ("system", "../outside.pyc", 1)]
    content = json.dumps(index).encode() + b"\nab"

    with pytest.raises(ValueError, match="no place for bytecode"):
        unpack_archive(content, environment, directory)
    assert [] == list(directory.iterdir())
    assert not (tmp_path / "outside.pyc").exists()


def test_supervisord_finds_its_bytecode_first(environment: Path) -> None:
    """What is imported first comes first: the archive is unpacked while supervisord starts."""
    index, _, _ = (environment / ARCHIVE_NAME).read_bytes().partition(b"\n")
    names = [name for _, name, _ in json.loads(index)]
    assert "colorsys" in names[-1]


def test_a_file_is_whole_or_not_there(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that starts meanwhile never reads half of one: it gets its name when it is written."""
    seen: list[bytes] = []
    replace = Path.replace

    def noted(part: Path, target: Path | str) -> Path:
        assert not Path(target).exists()
        seen.append(part.read_bytes())
        return replace(part, target)

    monkeypatch.setattr(Path, "replace", noted)
    files = unpacked(environment, tmp_path / "bytecode")
    assert sorted(seen) == sorted((tmp_path / "bytecode" / name).read_bytes() for name in files)


def test_others_may_not_write_what_was_unpacked(environment: Path, tmp_path: Path) -> None:
    """Whatever mask the launcher was started with: its owner writes, his group reads."""
    before = os.umask(0)
    try:
        files = unpacked(environment, tmp_path / "bytecode")
    finally:
        os.umask(before)

    assert {0o640} == {(tmp_path / "bytecode" / name).stat().st_mode & 0o777 for name in files}

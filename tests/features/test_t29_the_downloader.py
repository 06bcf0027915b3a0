"""T29: tpayd-download, one file that fetches the newest release of its line next to itself, verified; Yes or No."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ops.release.downloader import build
from tests.harness.releases import Publisher
from tests.unit.release.conftest import small_wheel
from tpayd.sandbox.updates.server import UpdateServer
from tpayd_contracts.sandbox_updates import UpdatesBehaviour, UpdatesFault

PYTHON = str(Path(sys.base_prefix) / "bin" / "python3")
"""The interpreter without the packages of this environment."""
_ENSUREPIP = subprocess.run([PYTHON, "-m", "ensurepip", "--version"], check=False, capture_output=True, timeout=60)


@dataclass
class Desk:
    """Somebody who has nothing of tpayd but the one file."""

    program: Path
    server: UpdateServer

    @property
    def directory(self) -> Path:
        return self.program.parent

    def run(self, *arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [PYTHON, "-I", str(self.program), *arguments],
            check=False, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        assert status == done.returncode, done.stdout + done.stderr
        return done.stdout + done.stderr

    def answer(self, answer: bytes, *arguments: str) -> str:
        """As `run`, with somebody at a terminal."""
        ours, theirs = os.openpty()
        try:
            os.write(ours, answer)
            done = subprocess.run(
                [PYTHON, "-I", str(self.program), *arguments],
                check=True, capture_output=True, text=True, timeout=100, stdin=theirs,
            )  # fmt: skip
        finally:
            os.close(ours)
            os.close(theirs)
        return done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A line with two releases, and its downloader in a directory of its own."""
    publisher = Publisher(tmp_path / "publisher")
    (tmp_path / "built").mkdir()
    (tmp_path / "desk").mkdir()
    for version in ("0.2.0", "0.10.0"):
        filling = {"tpayd__filling.bin": os.urandom(300_000)}
        publisher.release(version, own=small_wheel(tmp_path / "built", version, **filling).read_bytes())
    with UpdateServer(publisher.directory) as server:
        program = tmp_path / "desk" / "tpayd-download"
        build(server.url, publisher.root, program)
        yield Desk(program, server)


def test_no_leaves_the_file_there(desk: Desk, tmp_path: Path) -> None:
    """The newest release lies next to the program, complete, and nothing is installed."""
    said = desk.answer(b"No\n", "--into", str(tmp_path / "installed"))

    assert "tpayd 0.10.0, complete and verified" in said
    assert "What is new in 0.10.0" in said
    assert "0.10.0의 새로운 점" in said
    wheel = desk.directory / "tpayd-0.10.0" / "tpayd-0.10.0-py3-none-any.whl"
    assert (tmp_path / "built" / wheel.name).read_bytes() == wheel.read_bytes()
    assert not (tmp_path / "installed").exists()
    assert not (desk.directory / "tpayd-0.2.0").exists()


@pytest.mark.skipif(0 != _ENSUREPIP.returncode, reason="ensurepip (Debian: python3-venv) is not installed")
def test_yes_installs(desk: Desk, tmp_path: Path) -> None:
    """Into an environment of its own; an installation that is there is not touched."""
    into = tmp_path / "installed"
    said = desk.answer("예\n".encode(), "--into", str(into))

    assert "installed. Go on with" in said
    asked = [str(into / "bin" / "python"), "-I", "-c", "import tpayd; print(tpayd.__version__)"]
    assert "0.10.0" == subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    assert "updates itself: tpayd update" in desk.run("--yes", "--into", str(into), status=1)


def test_what_breaks_off_goes_on(desk: Desk) -> None:
    """With a word about it, and a status that says: try again. What was fetched is not fetched again."""
    desk.server.behaviour = UpdatesBehaviour(UpdatesFault.CUT, "targets/wheels/*", at_bytes=200_000)
    said = desk.run("--no", "--tries", "1", status=75)
    assert "they are kept, and the next try goes on from there" in said
    assert "Traceback" not in said
    assert not (desk.directory / "tpayd-0.10.0").exists()
    desk.server.behaviour = UpdatesBehaviour()
    desk.server.asked.clear()

    desk.run("--no")
    assert ["bytes=200000-"] == [asked for path, asked in desk.server.asked if "wheels/" in path]
    desk.server.asked.clear()
    desk.run()
    assert [] == [path for path, _ in desk.server.asked if "wheels/" in path]


def test_what_is_not_signed_is_refused(desk: Desk) -> None:
    """A flipped bit: nothing is left that could be installed."""
    desk.server.behaviour = UpdatesBehaviour(UpdatesFault.FLIPPED, "targets/wheels/*", at_bytes=99)

    assert "not what was signed" in desk.run("--yes", status=1)
    assert not (desk.directory / "tpayd-0.10.0").exists()

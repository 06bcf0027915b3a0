"""docs/releases.md: every command of it runs, in its order, and a store believes what comes out."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from ops.release import downloader, repository
from tests.unit.release.conftest import MakeWheel
from tpayd.sandbox.updates.server import UpdateServer
from tpayd.updater.release import Version
from tpayd.updater.trusted import TrustedRepository

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "releases.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def commands(block: str) -> list[str]:
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


class Walk:
    """Someone who types what the page says, in the shell's stead."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def type(self, line: str) -> None:
        words = shlex.split(os.path.expandvars(line))
        words = [
            each for word in words for each in (sorted(map(str, Path("/").glob(word[1:]))) if "*" in word else [word])
        ]
        if words[0] == "release":
            assert 0 == repository.main(words[1:]), line
        elif words[:3] == ["python", "-m", "ops.release.downloader"]:
            assert 0 == downloader.main(words[3:]), line
        else:
            subprocess.run(["/bin/bash", "-ec", line], check=True, timeout=30)


def test_every_command_runs(
    tmp_path: Path, make_wheel: MakeWheel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first key to a rotated one; the store follows all along, with the root it was given in the beginning."""
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    monkeypatch.setenv("WORK", str(tmp_path))
    monkeypatch.setenv("VERSION", "0.2.0")
    (tmp_path / "keys").mkdir()
    (tmp_path / "wheels").mkdir()
    make_wheel("0.2.0").rename(tmp_path / "wheels/tpayd-0.2.0-py3-none-any.whl")
    (tmp_path / "firmware").mkdir()
    (tmp_path / "firmware/dongle-1.2.json").write_bytes(b"{}")
    walk = Walk(tmp_path)
    client: TrustedRepository | None = None
    offered = set()

    with UpdateServer(tmp_path / "repository") as server:
        for line in (line for block in BLOCKS[1:] for line in commands(block)):
            walk.type(line)
            if line.startswith("release key") and "online.pem" in line:
                monkeypatch.setenv("ONLINE", re.findall(r"its id is (\w+)", capsys.readouterr().out)[-1][:16])
            if line.startswith("release publish"):
                root = (tmp_path / "repository/metadata/1.root.json").read_bytes()
                client = client or TrustedRepository(tmp_path / "store", server.url, root)
                client.refresh()
                offered |= set(client.versions()) | {target.path for target in client.firmware("acme")}

        assert client is not None
        assert {Version(0, 2, 0), "firmware/acme/dongle-1.2.json"} == offered
        assert 2 == client.refresh().root_version
        assert () == client.versions()
        assert (tmp_path / "tpayd-download").stat().st_mode & 0o100


def test_the_page_has_all_commands() -> None:
    """Nothing that the tool can do is left to be found out."""
    missing = [name for name in repository.COMMANDS if name not in PAGE]
    assert [] == missing

"""`pip install tpayd`, without the store's extra: enough for a lane's PC, and clear about what it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store, tpayd
from tpayd.cli.exits import Exit

ROOT = Path(__file__).parents[3]
NEEDS = {"tpayd", "click", "msgpack", "pyzmq", "rich", "markdown-it-py", "mdurl", "pygments"}
"""What may be installed: the client, its two packages, and what draws the command line."""
INSTALL_WAIT_S = 100


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of programs of a fresh environment with the built wheel in it."""
    place = tmp_path_factory.mktemp("lane-pc")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT))
    environment = place / "env"
    call(sys.executable, "-m", "venv", "--without-pip", str(environment))
    wheel = next(place.glob("tpayd-*.whl"))
    constraints = str(ROOT / "constraints.txt")
    pip(environment / "bin", "install", "--quiet", "--constraint", constraints, str(wheel))
    return environment / "bin"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path, lanes=1, readers=1) as running:
        running.open_shop(card="visa-ic")
        yield running


def pip(programs: Path, *arguments: str) -> str:
    """Ours, at work on that environment: Debian keeps the one for new environments in a package of its own."""
    return call(sys.executable, "-m", "pip", "--python", str(programs / "python"), *arguments)


def call(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_WAIT_S, check=False)
    assert 0 == done.returncode, done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_it_installs_the_client_and_little_else(bare: Path) -> None:
    """No database, no cryptography, no supervisor."""
    listed = json.loads(pip(bare, "list", "--format", "json"))

    assert set() == {package["name"].lower() for package in listed} - NEEDS


@pytest.mark.parametrize("command", ["up", "down", "status", "wait-ready", "logs", "client", "sandbox", "init"])
def test_what_the_store_has_is_named(bare: Path, command: str) -> None:
    """A command of the store's machine says which extra it needs, and has a status of its own."""
    done = subprocess.run([str(bare / "tpayd"), command], capture_output=True, text=True, timeout=20, check=False)

    assert Exit.NOT_INSTALLED == done.returncode
    assert "pip install 'tpayd[store]'" in done.stderr


def test_it_pays(bare: Path, store: Store, tmp_path: Path) -> None:
    """`tpayd sale` over tcp with a key file, and the payment asked for afterwards."""
    added = tpayd("client", "add", "till-1", "--lane", "1", "--json", home=store.instance.home)
    environment = {"HOME": str(tmp_path), "PATH": os.defpath, "TPAYD_KEY_FILE": added.json["key_file"]}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(bare / "tpayd"), *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env=environment,
        )

    paid = run("sale", "11000", "--json")
    assert Exit.OK == paid.returncode, paid.stderr
    asked = run("payment", "status", json.loads(paid.stdout)["request_id"])

    assert Exit.OK == asked.returncode
    assert asked.stdout.startswith("PAID")

"""The examples of docs/examples do what they say, also when the gateway dies in the middle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from tests.integration.gateway.shop import Shop

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture(scope="module")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its packages, installed as its README says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    place = tmp_path_factory.mktemp("javascript")
    for file in EXAMPLES.joinpath("javascript").iterdir():
        if file.is_file():
            shutil.copy(file, place)
    subprocess.run(["npm", "ci"], cwd=place, check=True, timeout=100, capture_output=True)
    return place


def node(place: Path, shop: Shop, *arguments: str) -> subprocess.Popen[str]:
    command = ["node", "sale.mjs", "--key-file", str(shop.till), *arguments]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_javascript_sells(shop: Shop, javascript: Path) -> None:
    """HELLO, progress on stderr, the result on stdout, and both ends of the request id on disk."""
    key = str(uuid.uuid4())
    out, progress = (process := node(javascript, shop, "--amount", "1000", "--request-id", key)).communicate(timeout=30)
    assert (0, "PAID", key) == (process.returncode, json.loads(out)["verdict"], json.loads(out)["request_id"])
    assert "Present the card" in progress
    lines = [json.loads(line) for line in (javascript / "requests.jsonl").read_text().splitlines()]
    assert [{"begin": key, "lane": "1"}, {"end": key, "verdict": "PAID"}] == lines[-2:]


def test_javascript_says_what_is_wrong(shop: Shop, javascript: Path) -> None:
    """The daemon's sentence and the field, and an exit status of its own."""
    _, text = (process := node(javascript, shop, "--amount", "10.5")).communicate(timeout=30)
    assert 2 == process.returncode
    assert "$.amount.total_minor" in text


def test_javascript_resumes_by_status(shop: Shop, javascript: Path) -> None:
    """The gateway is killed while the customer is asked for the card: one sale, one verdict."""
    key = str(uuid.uuid4())
    process = node(javascript, shop, "--amount", "4000", "--request-id", key)
    assert process.stderr is not None
    assert process.stdout is not None
    assert "Present the card" in process.stderr.readline()
    shop.store.kill("gateway")
    threading.Timer(0.3, shop.store.start, ["gateway"]).start()
    out, _ = process.communicate(timeout=60)
    assert (0, "PAID") == (process.returncode, json.loads(out)["verdict"])
    assert 1 == sum(entry["op"] == "payment.sale" and entry["key"] == key for entry in shop.reached())
    shop.wait_connected()


def test_python_sells(shop: Shop, tmp_path: Path) -> None:
    """The same in Python, with an empty request log of its own."""
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "sale.py"), str(shop.till), "1", "1000"],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (0, "PAID") == (done.returncode, done.stdout.split()[0])
    assert "Present the card" in done.stderr


def test_the_lock_file_names_no_registry() -> None:
    """Whoever installs it decides from where."""
    assert "://" not in (EXAMPLES / "javascript" / "package-lock.json").read_text()

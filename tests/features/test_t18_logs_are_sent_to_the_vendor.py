"""T18, send system logs [시스템 로그 전송]: to the vendor at once, by hand or by API; after a crash by setting."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Said, Store, SupervisedStore, eventually, tpayd
from tpayd.cli.exits import Exit
from tpayd_client import Pos, TpaydError, connect
from tpayd_client.types import Bundle, BundleState, ErrorCode, LogsStatus, ShipProgress

SERVICES = ("gateway", "log_shipper", "sandbox_logs")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Its log_shipper is set up for the sandbox's server, as `tpayd init --sandbox` leaves it."""
    with Store(tmp_path_factory.mktemp("t18"), services=SERVICES) as store:
        store.wait_ready(*SERVICES)
        yield store


@pytest.fixture
def pos(shop: Store) -> Iterator[Pos]:
    with shop.client() as opened:
        yield opened


def run(shop: Store, *arguments: str) -> Said:
    return tpayd(*arguments, home=shop.instance.home)


def incoming(shop: Store) -> Path:
    """What lies on the sandbox's server."""
    return next(path.parent for path in shop.instance.sandbox.rglob("*.tar.zst.age"))


def test_by_hand_and_opened_by_the_vendor(shop: Store, tmp_path: Path) -> None:
    """One command sends, one shows, one opens with the vendor's key: the log of the gateway is in it, as it was."""
    shipped = run(shop, "logs", "ship", "gateway", "--since", "24h", "--reason", "a test", "--json")
    status = run(shop, "logs", "status", "--json")
    key = shop.instance.sandbox / "vendor.key"
    bundle = incoming(shop) / shipped.json["name"]
    opened = run(shop, "logs", "open", str(bundle), "--key", str(key), "--to", str(tmp_path / "opened"))

    assert (Exit.OK, "shipped") == (shipped.status, shipped.json["state"])
    assert (Exit.OK, shipped.json["id"]) == (status.status, status.json["ended"][0]["id"])
    assert Exit.OK == opened.status
    log = (tmp_path / "opened" / "log" / "gateway.jsonl").read_text()
    assert (shop.instance.log / "gateway.jsonl").read_text().startswith(log)
    assert "gateway.listening" in log
    assert "a test" in opened.out


def test_by_api_with_progress_and_once_for_each_key(shop: Store, pos: Pos) -> None:
    """A POS asks by `logs.ship`; the same key again is the same bundle, whether it was shipped or not."""
    told: list[ShipProgress] = []
    key = str(uuid.uuid4())

    def ask() -> Bundle:
        note = lambda wire: told.append(ShipProgress.from_wire(wire))  # noqa: E731
        return Bundle.from_wire(pos.call("logs.ship", {}, key=key, ttl_s=60, on_progress=note))

    first, again = ask(), ask()
    listed = LogsStatus.from_wire(pos.call("logs.status", {}))

    assert (BundleState.SHIPPED, key, first) == (first.state, first.id, again)
    assert BundleState.ASKED == told[0].state
    assert 1 == [one.id for one in listed.ended].count(key)
    assert {"gateway", "log_shipper"} <= {use.service for use in listed.logs}


def test_a_pos_may_ask_and_whoever_may_only_read_may_not(shop: Store, tmp_path: Path) -> None:
    """`logs.ship` needs the right of a POS, `logs.status` none but to read."""
    reached: dict[str, Any] = {}
    for right in ("pos", "read_only"):
        added = run(shop, "client", "add", right, "--lane", "1", "--right", right, "--json")
        with connect(key_file=Path(added.json["key_file"])) as client:
            LogsStatus.from_wire(client.call("logs.status", {}))
            try:
                reached[right] = client.call("logs.ship", {"wait": False})["state"]
            except TpaydError as error:
                reached[right] = error.code

    assert ErrorCode.NOT_PERMITTED == reached["read_only"]
    assert reached["pos"] in {state.value for state in BundleState}


def test_without_a_log_shipper_a_store_says_so_and_runs(shop: Store, pos: Pos) -> None:
    """It is no part of a payment's way."""
    shop.kill("log_shipper")
    said = run(shop, "logs", "ship")
    status = pos.call("store.status", {})
    shop.start("log_shipper")
    shop.wait_ready("log_shipper")

    assert Exit.NOT_RUNNING == said.status
    assert "log_shipper" in status["operations_missing"]
    assert "log_shipper" not in status["missing"]


def test_a_crash_ships_the_logs(tmp_path: Path) -> None:
    """A process that was killed is told from those that were told to start or end; the bundle says which it was."""
    services = ("log_shipper", "sandbox_host")
    settings = {"log_shipper": {"on_crash": "now"}}
    with SupervisedStore(tmp_path, services=services, settings=settings) as store:
        store.wait_ready(*services, degraded=True, timeout_s=90)
        outbox = store.instance.data / "outbox"

        def asked() -> list[str]:
            return [path.read_text() for path in outbox.glob("*.json")]

        quiet = asked()
        store.kill("sandbox_host")
        eventually(asked, timeout_s=60, what="a bundle after the crash")
        found = asked()

    assert ([], 1) == (quiet, len(found))
    assert "sandbox_host (terminated by SIGKILL)" in found[0]

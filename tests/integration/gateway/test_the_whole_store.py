"""With every process behind it: what a client is told is what the host has booked, though the gateway keeps dying."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import tpayd_client
from tests.harness import Store, eventually
from tests.integration.gateway.test_the_examples_run import EXAMPLES
from tpayd.gateway.clients import ClientRegistry
from tpayd_client import PaymentResult, Verdict
from tpayd_contracts.operation import Right

CARD = "visa-ic"
KILLS = 3
SALES_PER_LANE = 12


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("store")) as store:
        store.open_shop(card=CARD)
        yield store


@pytest.fixture(scope="module")
def key_file(store: Store) -> Path:
    return ClientRegistry.open(store.instance).add("tills", ("1", "2"), Right.POS)


def test_javascript_gets_a_real_approval(store: Store, key_file: Path, tmp_path: Path) -> None:
    """Authorization code, masked card and all, decoded by a third codec."""
    if shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    for file in EXAMPLES.joinpath("javascript").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    subprocess.run(["npm", "ci"], cwd=tmp_path, check=True, timeout=100, capture_output=True)
    command = ["node", "sale.mjs", "--key-file", str(key_file), "--amount", "11000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert 0 == done.returncode, done.stderr
    result = json.loads(done.stdout)
    assert ("PAID", 11_000) == (result["verdict"], result["amount"]["total_minor"])
    assert any(
        (result["stan"], result["approval_code"]) == (entry.stan, entry.approval_code)
        for entry in store.sandbox.ledger()
    )


def test_a_dying_gateway_leaves_no_doubt(store: Store, key_file: Path, tmp_path: Path) -> None:
    """Two lanes sell while the gateway is killed again and again: every sale has one verdict, the ledger agrees."""
    before = len(store.sandbox.ledger())

    async def sell(pos: tpayd_client.AsyncPos, lane: str) -> list[PaymentResult]:
        results = []
        for number in range(SALES_PER_LANE):
            results.append(await pos.sale(lane, 1_000 + number, timeout_s=30.0))
            await pos.acknowledge(lane, results[-1].request_id)
        return results

    async def kill() -> None:
        for _ in range(KILLS):
            await asyncio.sleep(0.4)
            await asyncio.to_thread(store.kill, "gateway")
            await asyncio.sleep(0.1)
            store.start("gateway")

    async def run() -> list[PaymentResult]:
        async with tpayd_client.connect_async(key_file=key_file, request_log=tmp_path / "log") as pos:
            await pos.connect()
            killing = asyncio.create_task(kill())
            lanes = await asyncio.gather(sell(pos, "1"), sell(pos, "2"))
            await killing
            assert () == pos.unresolved()
            return [result for lane in lanes for result in lane]

    results = asyncio.run(run())
    assert 2 * SALES_PER_LANE == len(results)
    assert {Verdict.PAID, Verdict.NOT_PAID} >= {result.verdict for result in results}
    told = sum(result.amount.total_minor for result in results if result.verdict is Verdict.PAID and result.amount)

    def booked() -> int:
        return sum(entry.net_minor for entry in store.sandbox.ledger()[before:])

    eventually(lambda: told == booked(), timeout_s=30.0, what=lambda: f"{told} booked, not {booked()}")
    assert [] == store.card_number_leaks()

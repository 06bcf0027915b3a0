"""Whichever process dies in the middle of a sale, the client comes back with one verdict, and charges once."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest

import tpayd_client
from tests.integration.gateway.shop import REQ, Shop, frame
from tpayd_client import OutcomeUnknown, Verdict


def sales_of(shop: Shop, key: str) -> int:
    return sum(entry["op"] == "payment.sale" and entry["key"] == key for entry in shop.reached())


def test_the_service_behind_dies(shop: Shop, tmp_path: Path) -> None:
    """`peer_lost` becomes a status query, not a second sale."""
    key = str(uuid.uuid4())
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        revive = threading.Timer(0.5, shop.start_stub)
        revive.start()
        result = pos.sale("1", 3_000, request_id=key)
        revive.join()
        assert (Verdict.PAID, 1) == (result.verdict, sales_of(shop, key))
        assert () == pos.unresolved()


@pytest.mark.parametrize("amount", [1_000, 4_000])
def test_the_gateway_dies(shop: Shop, tmp_path: Path, amount: int) -> None:
    """The client says HELLO to the new one and asks for the status."""
    key = str(uuid.uuid4())
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        pos.connect()

        def kill(_: object) -> None:
            shop.store.kill("gateway")
            threading.Timer(0.2, shop.store.start, ["gateway"]).start()

        result = pos.sale("1", amount, request_id=key, on_progress=kill)
        assert (Verdict.PAID, 1) == (result.verdict, sales_of(shop, key))
    shop.wait_connected()


def test_the_gateway_hangs(shop: Shop, tmp_path: Path) -> None:
    """A process that is stopped answers no PING: the client opens a new connection and asks."""
    key = str(uuid.uuid4())
    with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log") as pos:
        pos.connect()

        def stop(_: object) -> None:
            shop.store.kill("gateway", signal.SIGSTOP)
            threading.Timer(7.0, shop.store.kill, ["gateway", signal.SIGCONT]).start()

        result = pos.sale("1", 4_000, request_id=key, on_progress=stop)
        assert (Verdict.PAID, 1) == (result.verdict, sales_of(shop, key))


def test_nobody_answers_any_more(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OutcomeUnknown names the payment; after the restart of the POS it is resolved from the request log."""
    key = str(uuid.uuid4())
    monkeypatch.setattr("tpayd_client.flows.RESOLVE_EXTRA_S", 0.5)
    log = tmp_path / "log"
    with tpayd_client.connect(key_file=shop.till, request_log=log, connect_timeout_s=0.5) as pos:
        pos.connect()
        with pytest.raises(OutcomeUnknown) as unknown:
            pos.sale("1", 4_000, request_id=key, timeout_s=1.0, on_progress=lambda _: shop.store.kill("gateway"))
        assert ("1", key) == (unknown.value.lane, unknown.value.request_id)
    shop.store.start("gateway")
    shop.wait_connected()
    with tpayd_client.connect(key_file=shop.till, request_log=log) as pos:
        (left,) = pos.unresolved()
        assert ("1", key) == (left.lane, left.request_id)
        assert Verdict.PAID is pos.resolve(left.lane, left.request_id).verdict
        assert () == pos.unresolved()
    assert 1 == sales_of(shop, key)


def test_no_gateway_at_all(shop: Shop, tmp_path: Path) -> None:
    """Nothing was sent, and the error says so within the connect timeout."""
    shop.store.kill("gateway")
    try:
        with tpayd_client.connect(key_file=shop.till, request_log=tmp_path / "log", connect_timeout_s=0.5) as pos:
            started_s = time.monotonic()
            with pytest.raises(tpayd_client.ConnectionFailed) as failure:
                pos.status("1", str(uuid.uuid4()))
            assert "not_started" == failure.value.outcome
            assert time.monotonic() - started_s < 15.0
    finally:
        shop.store.start("gateway")
        shop.wait_connected()


def test_a_request_whose_time_ran_out_starts_nothing(shop: Shop) -> None:
    """The service behind was stopped; woken up, it drops what nobody waits for any more."""
    assert shop._stub is not None
    key = str(uuid.uuid4())
    with shop.client() as client:
        client.hello()
        shop._stub.send_signal(signal.SIGSTOP)
        try:
            body = {"lane": "1", "amount": {"total_minor": 1_000}}
            client.send(frame(REQ, 5, op="payment.sale", ttl=200, key=key, session=client.session, body=body))
            answer = client.receive()
            assert answer is not None
            assert ("timeout", "unknown") == (answer[9]["code"], answer[9]["outcome"])
        finally:
            shop._stub.send_signal(signal.SIGCONT)
        assert "PAID" == client.sale(number=6)[9]["verdict"]
    assert 0 == sales_of(shop, key)


def test_the_async_client_does_the_same(shop: Shop, tmp_path: Path) -> None:
    """Many sales at once, the gateway killed among them: each ends PAID, each was sent once."""

    async def sell() -> list[tuple[str, Verdict]]:
        async with tpayd_client.connect_async(key_file=shop.boss, request_log=tmp_path / "log") as pos:
            await pos.connect()
            keys = [str(uuid.uuid4()) for _ in range(20)]
            sales = [asyncio.create_task(pos.sale(str(i), 4_000, request_id=key)) for i, key in enumerate(keys)]
            await asyncio.sleep(0.2)
            shop.store.restart("gateway")
            return list(zip(keys, [(await sale).verdict for sale in sales], strict=True))

    for key, verdict in asyncio.run(sell()):
        assert (Verdict.PAID, 1) == (verdict, sales_of(shop, key))
    shop.wait_connected()

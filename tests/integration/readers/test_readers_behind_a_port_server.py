"""A reader may hang on a port server in the network, raw or by RFC 2217; its loss and return are noticed."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.port_server import PortServer
from tests.harness.waiting import eventually
from tests.integration.readers.counter import counter_of, device, load_key, wait_for
from tests.integration.readers.desk import assign, at, scan, show
from tpayd_contracts.device import DeviceState
from tpayd_contracts.fleet import AssignDevice, PortState

LIMIT_S = 60.0


@pytest.fixture(scope="module", params=["rfc2217", "socket"])
def far(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, PortServer]]:
    """reader-1 behind a port server, reader-2 on its own line, asked every second whether it is still there."""
    directory: Path = tmp_path_factory.mktemp("far")
    settings = {"device_broker": {"idle_check_s": 1.0}}
    with Store(directory, services=("sandbox_readers", "device_broker"), settings=settings) as store:
        wait_for(store, "reader-1", timeout_s=30)
        with PortServer(directory, store.instance.sandbox / "readers" / "reader-1", request.param) as server:
            assign(store, AssignDevice("reader-1", server.url))
            wait_for(store, "reader-1", timeout_s=LIMIT_S)
            for number, name in enumerate(("reader-1", "reader-2"), start=1):
                assert load_key(store, name, number).confirmed
                wait_for(store, name, timeout_s=LIMIT_S)
            yield store, server


def test_a_card_is_read_over_the_network(far: tuple[Store, PortServer]) -> None:
    store, server = far
    assert server.url == show(store, "reader-1").where

    async def pay() -> None:
        async with counter_of(store) as counter:
            lease = await counter.acquire("1", avoid=("reader-2",))
            store.sandbox.auto("reader-1", "visa-ic")
            assert (await counter.read(lease)).masked_pan
            assert (await counter.complete(lease)).accepted
            await counter.release(lease)

    asyncio.run(pay())
    wait_for(store, "reader-1", timeout_s=LIMIT_S)


def test_a_search_leaves_a_port_server_in_use_alone(far: tuple[Store, PortServer]) -> None:
    store, server = far
    found = at(scan(store, server.url), server.url)
    assert (PortState.KNOWN, "reader-1") == (found.state, found.device)


def test_a_network_that_goes_silent_is_noticed_and_its_return_too(far: tuple[Store, PortServer]) -> None:
    """The connection stands and nothing comes: only asking tells."""
    store, server = far
    server.kill(signal.SIGSTOP)
    try:
        wait_for(store, "reader-1", DeviceState.ABSENT, timeout_s=LIMIT_S)
        assert DeviceState.ABSENT is not device(store, "reader-2").state
    finally:
        server.kill(signal.SIGCONT)
    wait_for(store, "reader-1", timeout_s=LIMIT_S)


def test_a_port_server_that_is_switched_off_is_told_and_found_again(far: tuple[Store, PortServer]) -> None:
    store, server = far
    server.stop()
    try:
        wait_for(store, "reader-1", DeviceState.ABSENT, timeout_s=LIMIT_S)
        eventually(
            lambda: "connection refused" in (device(store, "reader-1").detail or ""), timeout_s=LIMIT_S, what="why"
        )
        assert DeviceState.ABSENT is not device(store, "reader-2").state
        found = at(scan(store, server.url), server.url)
        assert PortState.FAILED is found.state
        assert "connection refused" in (found.text or "")
    finally:
        server.start()
    wait_for(store, "reader-1", timeout_s=LIMIT_S)

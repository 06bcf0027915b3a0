"""A service answers those that the call graph lets call it, and nobody else."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.integration.bus.rig import Rig, bench, decode
from tpayd.kit.bus import HouseAdmission, Server
from tpayd_contracts.device import DEVICE_LIST
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode, Outcome
from tpayd_contracts.health import HEALTH
from tpayd_contracts.operation import Empty, Op


def _broker(rig: Rig, admission: HouseAdmission | None = None) -> Server:
    """A device_broker that answers DEVICE_LIST and HEALTH with nothing at all, and one operation of another service."""
    server = rig.server(admission=admission or HouseAdmission("device_broker"))
    for op in (DEVICE_LIST, HEALTH, Op("payment.sale", Empty, Empty)):
        server.handle_raw(op.name, lambda request: request.reply(Empty()))
    return server


@pytest.mark.parametrize(
    ("caller", "op", "code"),
    [
        ("gateway", DEVICE_LIST, None),
        ("transaction", DEVICE_LIST, None),
        ("host_link", HEALTH, None),
        ("cli", HEALTH, None),
        ("watchdog", HEALTH, None),
        ("host_link", DEVICE_LIST, ErrorCode.NOT_PERMITTED),
        ("cli", DEVICE_LIST, ErrorCode.NOT_PERMITTED),
        ("gateway", Op("payment.sale", Empty, Empty), ErrorCode.NOT_PERMITTED),
    ],
)
def test_edges(tmp_path: Path, caller: str, op: Op[Empty, Empty], code: ErrorCode | None) -> None:
    """Whoever has no edge for an operation is told so, by name; health is open to the house."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            _broker(rig)
            peer = rig.raw()
            assert Kind.REPLY == (await peer.hello(caller)).kind
            await peer.request(7, op)
            answer = await peer.receive()
            if code is None:
                assert Kind.REPLY == answer.kind
            else:
                error = decode(answer.body, ErrorBody)
                assert (code, "op", Outcome.NOT_STARTED) == (error.code, error.field, error.outcome)
                assert caller in error.message

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["till-1", "root", "device-broker"])
def test_a_name_that_is_not_of_the_house(tmp_path: Path, name: str) -> None:
    """It gets no session."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = _broker(rig)
            peer = rig.raw()
            assert Kind.ERROR == (await peer.hello(name)).kind
            await peer.request(7, HEALTH)
            assert ErrorCode.HELLO_REQUIRED == (await peer.refused()).code
            assert {} == server.sessions

    asyncio.run(scenario())


def test_another_user(tmp_path: Path) -> None:
    """The uid that the kernel tells of a connection counts: one that is not of the house gets no session."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = _broker(rig, HouseAdmission("device_broker", uids={os.getuid() + 1}))
            answer = await rig.raw().hello("gateway")
            error = decode(answer.body, ErrorBody)
            assert (ErrorCode.NOT_PERMITTED, Outcome.NOT_STARTED) == (error.code, error.outcome)
            assert str(os.getuid()) in error.message
            assert {} == server.sessions

    asyncio.run(scenario())

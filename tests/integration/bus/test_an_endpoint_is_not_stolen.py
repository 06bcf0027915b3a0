"""libzmq lets a second process bind an ipc path and take all its callers. Ours does not."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest
import zmq

from tests.harness.ports import free_ports
from tests.integration.bus.ops import ECHO, Text
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench, serve_test_ops, until
from tpayd.kit.bus import EndpointInUseError, Publisher
from tpayd.kit.bus.limits import IPC_PATH_BYTES


def test_a_second_bind_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    """The second is told so, and the first goes on being served to its callers."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                with pytest.raises(EndpointInUseError, match="belongs to another running process"):
                    rig.server()
                assert process.running
                caller = await rig.connected()
                assert Text("mine") == await caller.call(ECHO, Text("mine"))

    asyncio.run(scenario())


def test_a_killed_process_leaves_its_endpoint_free(tmp_path: Path) -> None:
    """After kill -9 the next one binds at once, over whatever the first left behind."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                process.kill()
                serve_test_ops(rig.server())
                caller = await rig.connected()
                assert Text("next") == await caller.call(ECHO, Text("next"))

    asyncio.run(scenario())


def test_a_closed_server_can_bind_again(tmp_path: Path) -> None:
    """Close and start in one process, many times over; each time the caller finds it by itself."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            caller = rig.caller()
            for _ in range(5):
                server = rig.server()
                serve_test_ops(server)
                await until(lambda: caller.connected)
                await server.close()
                await until(lambda: not caller.connected)
            serve_test_ops(rig.server())
            await until(lambda: caller.connected)
            assert Text("again") == await caller.call(ECHO, Text("again"))

    asyncio.run(scenario())


def test_events_are_not_stolen_either(tmp_path: Path) -> None:
    """The same lock guards a publisher's path."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            first, second = (
                Publisher(rig.endpoint, context=rig.context, incarnation="1", log=rig.log) for _ in range(2)
            )
            first.start()
            rig.later(first.close)
            with pytest.raises(EndpointInUseError):
                second.start()

    asyncio.run(scenario())


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """On tcp the kernel refuses; the error says which endpoint."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            endpoint = f"tcp://127.0.0.1:{free_ports(1)[0]}"
            rig.server(endpoint)
            with pytest.raises(EndpointInUseError, match=endpoint):
                rig.server(endpoint)

    asyncio.run(scenario())


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    """sockaddr_un would cut it off."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with pytest.raises(ValueError, match=str(IPC_PATH_BYTES)):
                rig.server(f"ipc://{tmp_path}/{'x' * IPC_PATH_BYTES}")

    asyncio.run(scenario())


def test_the_path_is_for_the_house_only(tmp_path: Path) -> None:
    """Whatever the umask: the socket for owner and group, its lock for the owner."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            rig.server()
            modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("test.rpc", "test.rpc.lock")]
            assert [0o660, 0o600] == modes

    asyncio.run(scenario())


def test_the_danger_is_real(tmp_path: Path) -> None:
    """Without the lock, a second bind succeeds."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        first, second = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
        first.bind(f"ipc://{tmp_path / 'plain'}")
        second.bind(f"ipc://{tmp_path / 'plain'}")
    finally:
        context.destroy(linger=0)

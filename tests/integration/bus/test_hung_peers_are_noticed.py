"""A peer that hangs, though its libzmq thread answers heartbeats, or a process that is stopped altogether."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import zmq

from tests.integration.bus.ops import COUNT, ECHO, HANG, HOLD, MARK, Count, Text, Turns
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench, failure, until
from tpayd.kit.bus import limits
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import bind, router
from tpayd.kit.bus.wire import encode_body, envelope, open_frame
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.gateway import Welcome
from tpayd_contracts.operation import Empty


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds become tenths."""
    monkeypatch.setattr(limits, "PING_EVERY_S", 0.2)
    monkeypatch.setattr(limits, "HUNG_AFTER_S", 0.6)


def test_a_stopped_process_is_refused_and_comes_back(tmp_path: Path) -> None:
    """New calls are refused at once, those under way end unknown at their deadline; SIGCONT mends it by itself."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                caller = await rig.connected()
                process.send_signal(signal.SIGSTOP)
                began_s = time.monotonic()
                under_way = asyncio.ensure_future(failure(caller.call(MARK, Empty(), ttl_s=4.0)))
                await until(lambda: not caller.connected, what="the caller notices")
                assert not under_way.done()
                refused = await failure(caller.call(MARK, Empty()))
                assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED) == (refused.code, refused.outcome)
                assert "not answered" in refused.message
                lost = await under_way
                assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == (lost.code, lost.outcome)
                assert 4.0 <= time.monotonic() - began_s < 14.0
                process.send_signal(signal.SIGCONT)
                await until(lambda: caller.connected)
                # What reached it after its deadline had no effect.
                assert Count(0) == await caller.call(COUNT, Empty())
                assert "connected" == caller.detail

    asyncio.run(scenario())


def test_time_in_which_we_ourselves_stood_still_proves_nothing(tmp_path: Path) -> None:
    """A caller whose own loop was stopped for long does not take its peer for hung."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                assert process.running
                caller = await rig.connected()
                for _ in range(3):
                    time.sleep(limits.HUNG_AFTER_S * 1.5)  # noqa: ASYNC251  our loop is to stand still
                    assert Text("hi") == await caller.call(ECHO, Text("hi"))
                    await asyncio.sleep(limits.PING_EVERY_S)
                assert [] == rig.events("bus.peer_hangs")

    asyncio.run(scenario())


def test_a_hung_loop_is_noticed_though_its_socket_is_alive(tmp_path: Path) -> None:
    """The loop stands still in a handler: noticed, and calls work again after it, in the same connection."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                assert process.running
                caller = await rig.connected()
                hanging = asyncio.ensure_future(caller.call(HANG, Turns(1200)))
                await until(lambda: not caller.connected)
                assert Empty() == await hanging
                await until(lambda: caller.connected)
                assert Text("hi") == await caller.call(ECHO, Text("hi"))
                assert 1 == len(rig.events("bus.connected"))

    asyncio.run(scenario())


def test_hello_gets_through_to_a_busy_peer(tmp_path: Path) -> None:
    """A peer that takes longer to answer HELLO than the caller's first patience still gets its caller in the end."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            loop = asyncio.get_running_loop()
            socket = router(rig.context, 100)
            rig.later(bind(socket, rig.endpoint).close)

            def answer(frames: Sequence[zmq.Frame]) -> None:
                hello = open_frame(frames[1].bytes)
                welcome = Welcome(session=str(hello.id), contract="1.0", server="server", version="0")
                reply = envelope(Kind.REPLY, hello.id, body=encode_body(welcome))
                if hello.kind == Kind.HELLO:
                    loop.call_later(limits.HELLO_RETRY_S * 3, busy.send_parts, (frames[0].bytes, reply))

            busy = Pump(socket, answer, loop=loop, log=rig.log)
            rig.later(busy.close)
            await rig.connected()

    asyncio.run(scenario())


def test_a_held_request_ends_when_the_peer_is_killed_while_stopped(tmp_path: Path) -> None:
    """kill -9 of a stopped process ends what was under way at once."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                caller = await rig.connected()
                under_way = asyncio.ensure_future(failure(caller.call(HOLD, Empty(), ttl_s=60.0)))
                await caller.call(COUNT, Empty())
                process.send_signal(signal.SIGSTOP)
                process.kill()
                error = await asyncio.wait_for(under_way, 10.0)
                assert (ErrorCode.PEER_LOST, Outcome.UNKNOWN) == (error.code, error.outcome)

    asyncio.run(scenario())

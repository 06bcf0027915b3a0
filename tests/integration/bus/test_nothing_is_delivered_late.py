"""A payment asked for while its service is down must never be made when the service is back."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from tests.integration.bus.ops import COUNT, HOLD, MARK, Count
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench, failure, until
from tpayd.kit.bus.sockets import dealer
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty


def test_a_request_to_a_dead_peer_is_refused_at_once(tmp_path: Path) -> None:
    """It is `unavailable`, `not_started`, within milliseconds, and has no effect after the peer's restart."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                caller = await rig.connected()
                assert Count(1) == await caller.call(MARK, Empty())
                process.kill()
                # Those that the caller's own loop has not yet heard the death of are refused, or lost, but not kept.
                early = [asyncio.ensure_future(failure(caller.call(MARK, Empty(), ttl_s=60.0))) for _ in range(50)]
                assert {Outcome.NOT_STARTED, Outcome.UNKNOWN} >= {(await each).outcome for each in early}
                await until(lambda: not caller.connected)
                began_s = time.monotonic()
                for _ in range(50):
                    error = await failure(caller.call(MARK, Empty(), ttl_s=60.0))
                    assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED, True) == (
                        error.code, error.outcome, error.retryable,
                    )  # fmt: skip
                assert 0.5 > time.monotonic() - began_s
                process.start()
                await until(lambda: caller.connected)
                assert Count(0) == await caller.call(COUNT, Empty())

    asyncio.run(scenario())


def test_a_plain_dealer_does_deliver_late(tmp_path: Path) -> None:
    """The danger is real: without IMMEDIATE a DEALER keeps the message for the peer's next life."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        plain = context.socket(zmq.DEALER)
        plain.connect(f"ipc://{tmp_path / 'plain'}")
        plain.send(b"pay", zmq.NOBLOCK)
        late = context.socket(zmq.ROUTER)
        late.bind(f"ipc://{tmp_path / 'plain'}")
        assert zmq.POLLIN == late.poll(5_000)
        assert b"pay" == late.recv_multipart()[1]
    finally:
        context.destroy(linger=0)


def test_our_dealer_takes_nothing_without_a_connection(tmp_path: Path) -> None:
    """Before the first connection it refuses; what it took in the moment of a loss is dropped, not kept."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        ours, server = dealer(context), context.socket(zmq.ROUTER)
        ours.connect(f"ipc://{tmp_path / 'ours'}")
        with pytest.raises(zmq.Again):
            ours.send(b"pay", zmq.NOBLOCK)
        server.bind(f"ipc://{tmp_path / 'ours'}")
        assert zmq.POLLOUT == ours.poll(5_000, zmq.POLLOUT)
        ours.send(b"pay", zmq.NOBLOCK)
        assert b"pay" == server.recv_multipart()[1]
        monitor = ours.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
        monitor.rcvtimeo = 5_000
        server.close(linger=0)
        assert zmq.EVENT_DISCONNECTED == recv_monitor_message(monitor)["event"]
        for _ in range(20):
            with contextlib.suppress(zmq.Again):
                ours.send(b"pay", zmq.NOBLOCK)
        next_one = context.socket(zmq.ROUTER)
        next_one.bind(f"ipc://{tmp_path / 'ours'}")
        assert zmq.EVENT_HANDSHAKE_SUCCEEDED == recv_monitor_message(monitor)["event"]
        assert zmq.POLLOUT == ours.poll(5_000, zmq.POLLOUT)
        ours.send(b"new", zmq.NOBLOCK)
        assert b"new" == next_one.recv_multipart()[1]
        assert 0 == next_one.poll(50)
    finally:
        context.destroy(linger=0)


def test_calls_under_way_end_unknown_when_the_peer_is_killed(tmp_path: Path) -> None:
    """They end `peer_lost`, `unknown`, within half a second, and the caller reconnects by itself."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                caller = await rig.connected()
                calls = [asyncio.ensure_future(failure(caller.call(HOLD, Empty(), ttl_s=60.0))) for _ in range(20)]
                await caller.call(COUNT, Empty())
                process.kill()
                began_s = time.monotonic()
                errors = [await each for each in calls]
                assert 0.5 > time.monotonic() - began_s
                assert {(ErrorCode.PEER_LOST, Outcome.UNKNOWN)} == {(error.code, error.outcome) for error in errors}
                assert 20 == rig.counts.called_codes["peer_lost"]
                process.start()
                await until(lambda: caller.connected)
                assert Count(1) == await caller.call(MARK, Empty())

    asyncio.run(scenario())

"""A routing id is no proof of anything, nor is what a peer says about itself."""

from __future__ import annotations

import asyncio
import socket as plain
import time
from pathlib import Path

import pytest
import zmq

from tests.integration.bus.ops import ECHO, HOLD, MARK, OpenDoor, Step, Text
from tests.integration.bus.rig import RawPeer, Rig, bench, decode, hello_frame, serve_test_ops, until
from tpayd.kit.bus import Admitted, Peer, Request, Server
from tpayd.kit.bus.wire import envelope
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.gateway import Hello
from tpayd_contracts.operation import Empty

VICTIM = b"victim"


async def _victim(rig: Rig) -> tuple[Server, list[Request], RawPeer]:
    """A server, the requests that it holds, and a peer that has one of them open."""
    server = rig.server()
    held = serve_test_ops(server)
    victim = rig.raw(routing_id=VICTIM)
    await victim.hello("victim")
    await victim.request(7, HOLD)
    await until(lambda: held)
    return server, held, victim


async def _thief(rig: Rig) -> RawPeer:
    """A peer that has the victim's routing id from the moment when the ROUTER has let go of it."""
    for _ in range(100):
        peer = rig.raw(routing_id=VICTIM)
        await peer.send(envelope(Kind.PING, 1))
        try:
            await peer.receive(timeout_s=0.1)
        except TimeoutError:
            peer.close()
        else:
            return peer
    raise AssertionError("the victim's routing id is never free")


async def _hears_nothing(peer: RawPeer) -> None:
    with pytest.raises(TimeoutError):
        await peer.receive(timeout_s=0.2)


def test_not_while_its_owner_lives(tmp_path: Path) -> None:
    """A second peer with the same routing id is not heard, and hears nothing; the owner goes on being served."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            _, held, victim = await _victim(rig)
            thief = rig.raw(routing_id=VICTIM)
            await thief.send(hello_frame("thief"))
            await _hears_nothing(thief)
            held[0].progress(Step(1))
            held[0].reply(Empty())
            assert [(Kind.PROGRESS, 7), (Kind.REPLY, 7)] == [
                (answer.kind, answer.id) for answer in (await victim.receive(), await victim.receive())
            ]
            await _hears_nothing(thief)

    asyncio.run(scenario())


def test_not_after_its_owner_died(tmp_path: Path) -> None:
    """A peer that takes a dead one's routing id gets neither its answers nor its session, not even with its token."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server, held, victim = await _victim(rig)
            victim.close()
            thief = await _thief(rig)
            held[0].progress(Step(1))
            held[0].reply(Empty())
            await _hears_nothing(thief)
            for token in (None, victim.session, "guess"):
                thief.session = token
                await thief.request(9, MARK)
                assert ErrorCode.HELLO_REQUIRED == (await thief.refused()).code
            assert {} == server.sessions

    asyncio.run(scenario())


def test_not_in_the_same_turn_of_the_loop(tmp_path: Path) -> None:
    """The thief takes over while the server's loop stands still: the answer made next goes to no one."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            _, held, victim = await _victim(rig)
            victim.close()
            thief = rig.raw(routing_id=VICTIM)
            assert thief.socket.poll(5_000, zmq.POLLOUT)  # this blocks the loop that the server runs in
            held[0].reply(Empty())
            await _hears_nothing(thief)

    asyncio.run(scenario())


def test_what_is_queued_for_a_lost_peer_does_not_leave(tmp_path: Path) -> None:
    """Its end is heard before anything is sent, even what was queued earlier in the same turn of the loop."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server, held, victim = await _victim(rig)
            held[0].reply(Empty())
            assert server.sessions
            victim.close()
            time.sleep(0.1)  # noqa: ASYNC251  the loop is to stand still while libzmq's thread hears of the end
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert {} == server.sessions
            # A send would have failed, for nobody has its routing id yet, and would have been counted.
            assert 0 == rig.counts.drops["peer_gone"]

    asyncio.run(scenario())


def test_a_new_session_gets_nothing_of_the_old(tmp_path: Path) -> None:
    """With a HELLO of its own the new peer is served as itself; the old one's progress and answers are not for it."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            _, held, victim = await _victim(rig)
            victim.close()
            thief = await _thief(rig)
            await thief.hello("thief")
            held[0].progress(Step(1))
            held[0].reply(Empty())
            await thief.request(7, ECHO, Text("mine"))
            answer = await thief.receive()
            assert (Kind.REPLY, 7, Text("mine")) == (answer.kind, answer.id, decode(answer.body, Text))
            await _hears_nothing(thief)

    asyncio.run(scenario())


def test_a_reused_descriptor_is_not_mistaken(tmp_path: Path) -> None:
    """Peers that come and go in quick succession, on the same descriptors, never end each other's sessions."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            serve_test_ops(server)
            for number in range(1, 61):
                leaving, staying = rig.raw(), rig.raw()
                await leaving.hello("leaving")
                leaving.close()
                await staying.hello("staying")
                await staying.request(number, ECHO, Text("here"))
                assert Kind.REPLY == (await staying.receive()).kind
                staying.close()
            await until(lambda: not server.sessions, what="all are gone")

    asyncio.run(scenario())


def test_a_user_id_that_the_peer_itself_sends_is_not_believed(tmp_path: Path) -> None:
    """libzmq hands on any ZMTP property as metadata: without CURVE, a User-Id is only what the peer says."""
    seen: list[Peer] = []

    class Door(OpenDoor):
        def admit(self, peer: Peer, hello: Hello) -> Admitted:
            seen.append(peer)
            return super().admit(peer, hello)

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server(admission=Door()))
            with plain.socket(plain.AF_UNIX) as forger:
                forger.connect(str(rig.folder / "test.rpc"))
                forger.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(forger, b"\xff" + b"\0" * 8 + b"\x7f\x03\0NULL" + b"\0" * 16 + b"\0" * 32)
                # libzmq gives up a peer that goes on before it has said all of its own greeting.
                heard = b""
                while len(heard) < 64:
                    heard += await loop.sock_recv(forger, 64)
                ready = b"\x05READY" + _property("Socket-Type", "DEALER") + _property("User-Id", "lane-1")
                await loop.sock_sendall(forger, b"\x04" + bytes([len(ready)]) + ready)
                hello = hello_frame("cli")
                await loop.sock_sendall(forger, b"\0" + bytes([len(hello)]) + hello)
                await until(lambda: seen, what="HELLO came")
            assert (None, True) == (seen[0].user_id, seen[0].uid is not None)

    asyncio.run(scenario())


def _property(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + len(value).to_bytes(4, "big") + value.encode()


def test_nobody_can_cancel_anothers_request(tmp_path: Path) -> None:
    """CANCEL counts for the requests of its own session only."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            _, held, victim = await _victim(rig)
            other = rig.raw()
            await other.hello("other")
            await other.send(envelope(Kind.CANCEL, 7, session=other.session))
            await other.send(envelope(Kind.CANCEL, 7, session=victim.session))
            assert ErrorCode.HELLO_REQUIRED == (await other.refused()).code
            assert not held[0].cancelled
            await victim.send(envelope(Kind.CANCEL, 7, session=victim.session))
            await until(lambda: held[0].cancelled)

    asyncio.run(scenario())

"""CURVE and ZAP: only known keys get in, and nothing that goes wrong opens the door or jams it."""

from __future__ import annotations

import asyncio
import socket as plain
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zmq

from tests.harness.ports import free_ports
from tests.integration.bus.ops import ECHO, OpenDoor, Text
from tests.integration.bus.rig import Context, RawPeer, Rig, bench, decode, hello_frame, serve_test_ops
from tpayd.kit.bus import Admitted, CurveGate, Peer
from tpayd.kit.bus.curve import CurveKeys, curve_server, new_keys
from tpayd_contracts.envelope import Kind
from tpayd_contracts.gateway import Hello

DOMAIN = "store"


@dataclass
class Port:
    """A CURVE port of its own process-wide context, and clients' keys."""

    rig: Rig
    endpoint: str
    server: CurveKeys
    good: CurveKeys
    clients: Context
    asked: list[str] = field(default_factory=list)
    refused: list[bool] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    def client(self, keys: CurveKeys) -> RawPeer:
        peer = RawPeer(self.clients, self.endpoint, prepare=self._as(keys))
        self.rig.later(peer.close)
        return peer

    def _as(self, keys: CurveKeys) -> Callable[[zmq.Socket[bytes]], None]:
        def prepare(socket: zmq.Socket[bytes]) -> None:
            socket.setsockopt_string(zmq.CURVE_SERVERKEY, self.server.public)
            socket.setsockopt_string(zmq.CURVE_PUBLICKEY, keys.public)
            socket.setsockopt_string(zmq.CURVE_SECRETKEY, keys.secret)

        return prepare

    async def is_served(self) -> bool:
        """Whether a new client with the good key gets an answer."""
        client = self.client(self.good)
        assert Kind.REPLY == (await client.hello()).kind
        await client.request(2, ECHO, Text("good"))
        served = Text("good") == decode((await client.receive()).body, Text)
        client.close()
        return served

    async def stays_out(self, peer: RawPeer) -> bool:
        """Whether the peer's HELLO goes nowhere."""
        before = len(self.peers)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(peer.send(hello_frame()), 0.5)
        return before == len(self.peers)


@asynccontextmanager
async def port(
    folder: Path, allow: Callable[[str, str], str | None] | None = None, *, domain: str = DOMAIN
) -> AsyncIterator[Port]:
    """A CURVE port that knows one key; `allow(asked, good)` decides otherwise, `domain` is the handler's own."""
    good, server = new_keys(), new_keys()
    decide = allow or (lambda asked, good: "till" if asked == good else None)
    async with bench(folder) as rig:
        clients: Context = zmq.Context()
        rig.later(clients.term)
        it = Port(rig, f"tcp://127.0.0.1:{free_ports(1)[0]}", server, good, clients)

        class Door(OpenDoor):
            def admit(self, peer: Peer, hello: Hello) -> Admitted:
                it.peers.append(peer)
                return super().admit(peer, hello)

        def ask(key: str) -> str | None:
            it.asked.append(key)
            return decide(key, good.public)

        gate = CurveGate(domain, ask, context=rig.context, log=rig.log, refused=lambda: it.refused.append(True))
        gate.start()
        rig.later(gate.close)
        serve_test_ops(rig.server(it.endpoint, admission=Door(), prepare=curve_server(server.secret, DOMAIN)))
        yield it


def test_a_known_key_gets_in_under_its_name(tmp_path: Path) -> None:
    """The name that the handler gave stands in the connection's metadata; the admission sees it."""

    async def scenario() -> None:
        async with port(tmp_path) as it:
            assert await it.is_served()
            assert ["till"] == [peer.user_id for peer in it.peers]
            assert [it.good.public] == it.asked

    asyncio.run(scenario())


def test_an_unknown_key_stays_out(tmp_path: Path) -> None:
    """It is refused and counted, and the log has no key."""

    async def scenario() -> None:
        async with port(tmp_path) as it:
            stranger = new_keys()
            assert await it.stays_out(it.client(stranger))
            assert it.refused
            assert stranger.public not in str(it.rig.logged.entries)
            assert await it.is_served()

    asyncio.run(scenario())


def test_a_fault_in_the_check_refuses_and_the_next_gets_in(tmp_path: Path) -> None:
    """One exception must not hang the handshakes that follow."""

    def allow(asked: str, good: str) -> str | None:
        if asked != good:
            raise ZeroDivisionError
        return "till"

    async def scenario() -> None:
        async with port(tmp_path, allow) as it:
            assert await it.stays_out(it.client(new_keys()))
            assert it.rig.events("zap.failed")
            assert await it.is_served()

    asyncio.run(scenario())


def test_a_fault_while_counting_refuses_and_the_next_gets_in(tmp_path: Path) -> None:
    """The answer to the handshake leaves whatever happens after it."""

    async def scenario() -> None:
        async with port(tmp_path) as it:

            class Broken(list[bool]):
                def append(self, _: bool) -> None:
                    raise ZeroDivisionError

            it.refused = Broken()
            assert await it.stays_out(it.client(new_keys()))
            assert await it.is_served()

    asyncio.run(scenario())


def test_another_domain_stays_out(tmp_path: Path) -> None:
    """A handler asked about a domain that is not its own refuses, even a key that it knows."""

    async def scenario() -> None:
        async with port(tmp_path, domain="another") as it:
            assert await it.stays_out(it.client(it.good))
            assert [] == it.asked

    asyncio.run(scenario())


def test_without_a_handler_nobody_gets_in(tmp_path: Path) -> None:
    """While no handler is bound, as when the process goes down, even the known key stays out."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            clients: Context = zmq.Context()
            rig.later(clients.term)
            it = Port(rig, f"tcp://127.0.0.1:{free_ports(1)[0]}", new_keys(), new_keys(), clients)
            rig.server(it.endpoint, prepare=curve_server(it.server.secret, DOMAIN))
            assert await it.stays_out(it.client(it.good))

    asyncio.run(scenario())


def test_without_curve_nobody_gets_in(tmp_path: Path) -> None:
    """A client that speaks NULL to a CURVE port, and one that has another server's key."""

    async def scenario() -> None:
        async with port(tmp_path) as it:
            null = RawPeer(it.clients, it.endpoint)
            it.rig.later(null.close)
            assert await it.stays_out(null)
            it.server, real = new_keys(), it.server
            assert await it.stays_out(it.client(it.good))
            it.server = real
            assert [] == it.asked
            assert await it.is_served()

    asyncio.run(scenario())


NOISE = {
    "silence": b"",
    "garbage": bytes(range(256)) * 16,
    "http": b"GET / HTTP/1.1\r\nHost: store\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 512,
    "half a greeting": b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03",
    "curve and nonsense": b"\xff" + b"\0" * 8 + b"\x7f\x03\x01CURVE" + b"\0" * 47 + b"\x04\xff" + b"x" * 255,
}


def test_strangers_do_not_disturb_the_good_client(tmp_path: Path) -> None:
    """200 connections that are silent or talk nonsense: known clients are served all the while, and new ones get in."""

    async def scenario() -> None:
        async with port(tmp_path) as it:
            client = it.client(it.good)
            await client.hello()
            host, number = it.endpoint.removeprefix("tcp://").split(":")
            strangers: list[plain.socket] = []
            try:
                for index, noise in enumerate(list(NOISE.values()) * 34):
                    stranger = plain.create_connection((host, int(number)))
                    strangers.append(stranger)
                    stranger.sendall(noise)
                    if index % 10 == 0:
                        await client.request(index + 10, ECHO, Text("good"))
                        assert Kind.REPLY == (await client.receive(timeout_s=1.0)).kind
                assert await it.is_served()
            finally:
                for stranger in strangers:
                    stranger.close()

    asyncio.run(scenario())

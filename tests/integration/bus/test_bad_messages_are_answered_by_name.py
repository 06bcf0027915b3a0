"""Whatever bytes come, the server stays up, says what is wrong where it can, and serves the next good message."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from tests.integration.bus.ops import ECHO, MARK, TALK, Text, Turns
from tests.integration.bus.rig import RawPeer, Rig, bench, decode, hello_frame, serve_test_ops, until
from tpayd.kit.bus import ServerLimits
from tpayd.kit.bus.limits import MAX_WIRE_BYTES
from tpayd.kit.bus.wire import encode_body, envelope, open_frame
from tpayd_contracts.envelope import MAX_FRAME_BYTES, PROTOCOL, Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode, Outcome
from tpayd_contracts.gateway import Hello
from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.version import CONTRACT_VERSION

pack = msgspec.msgpack.encode


async def _guest(rig: Rig) -> RawPeer:
    peer = rig.raw()
    await peer.hello()
    return peer


async def _is_served(peer: RawPeer, number: int = 99) -> bool:
    await peer.request(number, ECHO, Text("good"))
    answer = await peer.receive()
    return (Kind.REPLY, number, Text("good")) == (answer.kind, answer.id, decode(answer.body, Text))


def _array(*changes: tuple[int, Any]) -> bytes:
    fields: list[Any] = [PROTOCOL, 2, 7, "test.echo", 2**60, None, None, "token", None, {"text": "x"}]
    for index, value in changes:
        fields[index] = value
    return pack(fields)


NOT_ENVELOPES = {
    "empty": b"",
    "garbage": b"\xc1\xff\x00",
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "a map": pack({"protocol": PROTOCOL}),
    "nine elements": pack([PROTOCOL, 2, 7, "test.echo", 0, None, None, None, None]),
    "eleven elements": pack([PROTOCOL, 2, 7, "test.echo", 0, None, None, None, None, {}, 1]),
    "another protocol": _array((0, "tpayd2")),
    "a float for a kind": _array((1, 2.5)),
    "a number for an operation": _array((3, 7)),
    "nil for an operation": _array((3, None)),
    "bytes for a key": _array((5, b"key")),
    "no UTF-8": _array((3, "test.echo")).replace(b"test.echo", b"test.ech\xff"),
    "two messages": _array() * 2,
    "half a message": _array()[:-3],
    "a number beyond 64 bits": _array((2, 2.0**70)),
    "deep nesting outside": b"\x91" * 20_000 + b"\xc0",
    "deep nesting inside": _array()[:-8] + b"\x91" * 20_000 + b"\xc0",
    "a promise of four billion": b"\xdd\xff\xff\xff\xff",
}


@pytest.mark.parametrize("frame", NOT_ENVELOPES.values(), ids=NOT_ENVELOPES.keys())
def test_what_is_no_envelope(tmp_path: Path, frame: bytes) -> None:
    """`bad_message`, `not_started`, and the same connection is served on."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig)
            await peer.send(frame)
            error = await peer.refused()
            assert (ErrorCode.BAD_MESSAGE, Outcome.NOT_STARTED) == (error.code, error.outcome)
            assert await _is_served(peer)

    asyncio.run(scenario())


WRONG_BODIES = {
    "unknown field": (ECHO, pack({"text": "x", "more": 1}), "$.more"),
    "missing field": (ECHO, pack({}), "$.text"),
    "wrong type": (ECHO, pack({"text": 7}), "$.text"),
    "no map": (ECHO, pack([1]), "$"),
    "no text": (ECHO, pack({"text": "xyz"}).replace(b"xyz", b"x\xff\xff"), "$"),
    "float for a number": (TALK, pack({"steps": 1.5}), "$.steps"),
}


@pytest.mark.parametrize(("op", "body", "field"), WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_a_wrong_body_names_the_field(tmp_path: Path, op: Op[Any, Any], body: bytes, field: str) -> None:
    """`invalid_body` with the place of the fault, under the request's id; nothing was started."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig)
            await peer.request(7, op, Raw(body))
            answer = await peer.receive()
            error = decode(answer.body, ErrorBody)
            assert (7, ErrorCode.INVALID_BODY, field) == (answer.id, error.code, error.field)
            assert Outcome.NOT_STARTED == error.outcome
            assert await _is_served(peer)

    asyncio.run(scenario())


def test_a_message_that_is_not_for_a_server(tmp_path: Path) -> None:
    """An operation that it has not, a request without a session, and kinds that only servers send, or nobody."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig)
            await peer.request(7, Op("test.nothing", Empty, Empty))
            error = await peer.refused()
            assert (ErrorCode.UNKNOWN_OP, "op") == (error.code, error.field)
            await peer.request(7, ECHO, Text("x"), session=None)
            assert ErrorCode.HELLO_REQUIRED == (await peer.refused()).code
            for kind in (Kind.PROGRESS, Kind.REPLY, Kind.ERROR, Kind.EVENT, 0, 99, -1):
                await peer.send(_array((1, int(kind))))
                assert ErrorCode.BAD_MESSAGE == (await peer.refused()).code
            assert await _is_served(peer)

    asyncio.run(scenario())


def test_a_wrong_hello_names_the_field(tmp_path: Path) -> None:
    """Another contract is refused by name and number, a malformed HELLO by its field."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = rig.raw()
            other = f"{CONTRACT_VERSION.major + 1}.0"
            for contract, code in ((other, ErrorCode.UNSUPPORTED_VERSION), ("one", ErrorCode.INVALID_BODY)):
                await peer.send(envelope(Kind.HELLO, 3, body=encode_body(Hello(client="cli", contract=contract))))
                error = await peer.refused()
                assert (code, "$.contract") == (error.code, error.field)
            await peer.send(envelope(Kind.HELLO, 3, body=Raw(pack({"client": "", "contract": "1.0"}))))
            assert "$.client" == (await peer.refused()).field
            await peer.hello()
            assert await _is_served(peer)

    asyncio.run(scenario())


def test_a_frame_over_the_limit(tmp_path: Path) -> None:
    """`too_large` up to what the wire takes; beyond it the connection ends, and others don't notice."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer, other = await _guest(rig), await _guest(rig)
            await peer.send(b"x" * (MAX_FRAME_BYTES + 1))
            error = await peer.refused()
            assert (ErrorCode.TOO_LARGE, "$", Outcome.NOT_STARTED) == (error.code, error.field, error.outcome)
            assert await _is_served(peer)
            await peer.send(b"x" * (MAX_WIRE_BYTES + 1))
            with pytest.raises(TimeoutError):
                await peer.receive(timeout_s=0.3)
            assert await _is_served(other)

    asyncio.run(scenario())


def test_messages_of_more_than_one_frame(tmp_path: Path) -> None:
    """Refused, however many frames; a REQ socket, which adds an empty one, can read the answer."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig)
            for frames in ([b"x"] * 2, [b"x"] * 9, [b"x"] * 500):
                await peer.send(*frames)
                assert ErrorCode.BAD_MESSAGE == (await peer.refused()).code
            await peer.send(b"", hello_frame())
            delimiter, answer = await _frames(peer)
            assert b"" == delimiter
            assert ErrorCode.BAD_MESSAGE == decode(open_frame(answer).body, ErrorBody).code
            assert await _is_served(peer)
            req = rig.context.socket(zmq.REQ)
            rig.later(lambda: req.close(linger=0))
            req.connect(rig.endpoint)
            req.send(hello_frame())
            await until(lambda: req.poll(0))
            assert "DEALER" in decode(open_frame(req.recv()).body, ErrorBody).message

    asyncio.run(scenario())


async def _frames(peer: RawPeer) -> list[bytes]:
    await until(lambda: peer.socket.poll(0))
    return peer.socket.recv_multipart()


def test_an_id_in_use_is_refused(tmp_path: Path) -> None:
    """A second request under the id of one that is open has no effect."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            serve_test_ops(server)
            peer = await _guest(rig)
            await peer.request(7, Op("test.hold", Empty, Empty))
            await peer.request(7, MARK)
            assert ErrorCode.BAD_MESSAGE == (await peer.refused()).code
            assert 1 == server.open_count
            assert await _is_served(peer)

    asyncio.run(scenario())


def test_any_bytes_at_all(tmp_path: Path) -> None:
    """Random bytes, and envelopes with random elements: no message stops the server, none is answered with a fault."""
    anything = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20)
        | st.binary(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=8,
    )  # fmt: skip
    likely = st.tuples(
        st.just(PROTOCOL) | anything, st.integers(0, 10) | anything, st.integers(0, 9) | anything,
        st.sampled_from([ECHO.name, MARK.name, TALK.name, "health.get"]) | anything, st.integers(0, 2**63) | anything,
        anything, anything, st.sampled_from([None, "SESSION"]) | anything, anything,
        st.fixed_dictionaries({"text": anything}) | st.fixed_dictionaries({"steps": anything}) | anything,
    )  # fmt: skip
    frames = st.binary(max_size=200) | likely.map(lambda fields: pack(list(fields)))

    with asyncio.Runner() as runner:

        async def open_up() -> tuple[Rig, RawPeer]:
            rig = Rig(tmp_path)
            serve_test_ops(rig.server(bounds=ServerLimits(max_open_total=100_000)))
            return rig, rig.raw()

        rig, peer = runner.run(open_up())

        @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
        @given(frames)
        def throw(frame: bytes) -> None:
            async def scenario() -> None:
                good = rig.raw()
                await peer.hello()
                # As a guest whose session is right, so that more than the first gate is tried.
                await peer.send(frame.replace(b"\xa7SESSION", pack(peer.session)))
                await good.hello()
                assert await _is_served(good)
                good.close()
                while peer.socket.poll(0):
                    peer.socket.recv_multipart()

            runner.run(scenario())

        throw()
        faults = [entry for entry in rig.logged.entries if entry["log_level"] == "error"]
        runner.run(rig.close())
        assert [] == faults


def test_numbers_at_their_ends(tmp_path: Path) -> None:
    """Ids and counts at the ends of 64 bits are answered under the same id."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig)
            for number in (1, -(2**63), 2**64 - 1):
                assert await _is_served(peer, number)
            await peer.request(5, TALK, Turns(2), deadline=2**64 - 1)
            assert [Kind.PROGRESS, Kind.PROGRESS, Kind.REPLY] == [(await peer.receive()).kind for _ in range(3)]

    asyncio.run(scenario())

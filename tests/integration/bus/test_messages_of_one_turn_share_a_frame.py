"""What a loop turn has for one peer of the house goes in one frame, and comes out as so many messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import zmq

from tests.integration.bus.ops import ECHO, TALK, Text, Turns
from tests.integration.bus.rig import RawPeer, Rig, bench, decode, serve_test_ops, until
from tpayd.kit.bus.outlet import Outlet
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import bind, router
from tpayd.kit.bus.wire import BUNDLES, bundle, encode_body, envelope, is_bundle, open_bundle, open_frame
from tpayd_contracts.envelope import Envelope, Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.version import CONTRACT_VERSION


def _echoing_server(rig: Rig, hello_answer: str) -> list[int]:
    """A server that opens bundles if it says so. Returns how many requests came in each frame."""
    socket = router(rig.context, 100)
    rig.later(bind(socket, rig.endpoint).close)
    counts: list[int] = []

    def answer(frames: Sequence[zmq.Frame]) -> None:
        peer, payload = frames[0].bytes, frames[1].bytes
        messages = _messages(payload) if is_bundle(payload) else [open_frame(payload)]
        for message in messages:
            if message.kind == Kind.HELLO:
                welcome = encode_body(Welcome(session="s", contract="1.0", server="server", version="0"))
                pump.send_parts((peer, envelope(Kind.REPLY, message.id, op=hello_answer, body=welcome)))
            elif message.kind == Kind.REQ:
                pump.send_parts((peer, envelope(Kind.REPLY, message.id, body=message.body)))
        requests = sum(message.kind == Kind.REQ for message in messages)
        if requests:
            counts.append(requests)

    pump = Pump(socket, answer, loop=asyncio.get_running_loop(), log=rig.log)
    rig.later(pump.close)
    return counts


async def _guest(rig: Rig, op: str) -> RawPeer:
    peer = rig.raw()
    body = encode_body(Hello(client="cli", contract=str(CONTRACT_VERSION)))
    await peer.send(envelope(Kind.HELLO, 1, op=op, body=body))
    answer = await peer.receive()
    peer.session = decode(answer.body, Welcome).session
    assert op == answer.op
    return peer


def _echo(peer: RawPeer, number: int) -> bytes:
    body = encode_body(Text(str(number)))
    return envelope(Kind.REQ, number, op=ECHO.name, deadline=2**60, session=peer.session, body=body)


def _messages(frame: bytes) -> list[Envelope]:
    """What is in a bundle, but for PING."""
    return [message for message in map(open_frame, open_bundle(frame)) if message.kind != Kind.PING]


async def _frame(peer: RawPeer) -> bytes:
    """The next frame that is no PING."""
    while True:
        await until(lambda: peer.socket.poll(0, zmq.POLLIN), timeout_s=30, what="a frame")
        frame = peer.socket.recv(zmq.NOBLOCK)
        if is_bundle(frame) or open_frame(frame).kind != Kind.PING:
            return frame


def test_calls_of_one_turn_leave_in_one_frame(tmp_path: Path) -> None:
    """To a server that opens bundles; to another each by itself."""

    async def scenario(folder: Path, says: str) -> list[int]:
        async with bench(folder) as rig:
            counts = _echoing_server(rig, says)
            caller = await rig.connected()
            calls = (caller.call(ECHO, Text(str(number)), ttl_s=60.0) for number in range(10))
            assert [Text(str(number)) for number in range(10)] == await asyncio.gather(*calls)
            return counts

    for says, expected in ((BUNDLES, [10]), ("", [1] * 10)):
        folder = tmp_path / (says or "plain")
        folder.mkdir()
        assert expected == asyncio.run(scenario(folder, says))


def test_a_server_answers_a_bundle_with_a_bundle(tmp_path: Path) -> None:
    """Progress and answers in their order."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig, BUNDLES)
            talk = envelope(
                Kind.REQ, 3, op=TALK.name, deadline=2**60, session=peer.session, body=encode_body(Turns(2))
            )  # fmt: skip
            await peer.send(bundle([_echo(peer, 2), talk, _echo(peer, 4)]))
            got = [(message.kind, message.id) for message in _messages(await _frame(peer))]
            progress = [(Kind.PROGRESS, 3)] * 2
            assert [(Kind.REPLY, 2), *progress, (Kind.REPLY, 3), (Kind.REPLY, 4)] == got

    asyncio.run(scenario())


def test_who_does_not_ask_for_bundles_gets_none(tmp_path: Path) -> None:
    """Such as a program without a loop, which reads one answer."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig, "")
            await peer.request(2, TALK, Turns(3))
            kinds = [open_frame(await _frame(peer)).kind for _ in range(4)]
            assert [Kind.PROGRESS] * 3 + [Kind.REPLY] == kinds

    asyncio.run(scenario())


def test_a_bad_message_takes_no_other_along(tmp_path: Path) -> None:
    """Each in a bundle is judged by itself; what is no bundle at all is answered once."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer = await _guest(rig, BUNDLES)
            deep = envelope(Kind.REQ, 8, op=ECHO.name, deadline=2**60, session=peer.session, body=msgspec.Raw(DEEP))
            await peer.send(bundle([_echo(peer, 2), b"\xc1garbage", bundle([_echo(peer, 5)]), deep, _echo(peer, 4)]))
            answers: dict[int, int] = {}
            refused: list[ErrorCode] = []
            while len(answers) + len(refused) < 5:
                frame = await _frame(peer)
                for message in _messages(frame) if is_bundle(frame) else [open_frame(frame)]:
                    if message.kind == Kind.ERROR:
                        refused.append(decode(message.body, ErrorBody).code)
                    else:
                        answers[message.id] = message.kind
            assert {2: Kind.REPLY, 4: Kind.REPLY} == answers
            assert [ErrorCode.BAD_MESSAGE] * 3 == refused
            await peer.send(bundle([])[:-1] + b"\xc1")
            assert ErrorCode.BAD_MESSAGE == (await peer.refused()).code
            await peer.send(_echo(peer, 6))
            assert 6 == open_frame(await _frame(peer)).id

    asyncio.run(scenario())


def test_the_public_door_opens_no_bundle(tmp_path: Path) -> None:
    """The contract says one frame, one message; a POS that asks for bundles is not heard."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server(deadline_is_ttl=True))
            peer = rig.raw()
            await peer.hello()
            await peer.send(bundle([_echo(peer, 2)]))
            assert ErrorCode.BAD_MESSAGE == (await peer.refused()).code

    asyncio.run(scenario())


def test_one_fault_keeps_no_answer_of_the_same_frame_back(tmp_path: Path) -> None:
    """A callback that raises is logged; the others hear theirs."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            caller = await rig.connected()

            def fail(_: object) -> None:
                raise ZeroDivisionError

            faulty = caller.call(TALK, Turns(1), ttl_s=60.0, on_progress=fail)
            calls = [caller.call(ECHO, Text("x"), ttl_s=60.0) for _ in range(5)]
            _, *texts = await asyncio.gather(faulty, *calls)
            assert [Text("x")] * 5 == texts
            assert 1 == len(rig.events("bus.message_handler_failed"))

    asyncio.run(scenario())


def test_a_closed_outlet_gives_nothing_away() -> None:
    """The routing id in front of it may be another peer's by now."""
    outlet = Outlet((b"id",), bundles=True)
    outlet.frames, outlet.numbers = [b"a", b"b"], [1, 2]
    outlet.closed = True

    assert [] == list(outlet.take())
    assert [] == outlet.frames


DEEP = b"\x81\xa4text" + b"\x91" * 5_000 + b"\x01"
"""A body that is nested deeper than any decoder goes."""

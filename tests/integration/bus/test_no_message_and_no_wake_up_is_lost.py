"""A ZeroMQ socket's descriptor is edge-triggered: a wake-up that is lost never comes again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import zmq

from tests.integration.bus.ops import ECHO, TALK, Count, Step, Text, Turns
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import Context, bench, until
from tpayd.kit.bus import Request
from tpayd.kit.bus.pump import Pump

CALLS = 50_000
"""In each direction; each is a request, a PROGRESS and an answer."""


def test_300_000_messages_both_ways_at_once(tmp_path: Path) -> None:
    """Two processes that call each other, 64 calls in flight each: every message comes, and none comes late."""
    one, two = f"ipc://{tmp_path / 'one'}", f"ipc://{tmp_path / 'two'}"
    flood = "tests.integration.bus.flood"
    with ServerProcess(one, two, str(CALLS), module=flood) as first:
        began_s = time.monotonic()
        with ServerProcess(two, one, str(CALLS), module=flood) as second:
            assert [f"{CALLS} {CALLS}"] * 2 == [first.line(), second.line()]
        assert 60.0 > time.monotonic() - began_s


def test_a_burst_far_beyond_what_a_socket_queues(tmp_path: Path) -> None:
    """A thousand requests in one loop turn, each answered by PROGRESS and REPLY in one turn, are all answered."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                assert process.running
                caller = await rig.connected()
                steps: list[Step] = []
                calls = [
                    caller.call(TALK, Turns(1), on_progress=steps.append)  # type: ignore[arg-type]
                    for _ in range(1_000)
                ]
                assert [Count(1)] * 1_000 == await asyncio.gather(*calls)
                assert [Step(0)] * 1_000 == steps

    asyncio.run(scenario())


def test_a_fault_in_a_callback_stops_no_other_message(tmp_path: Path) -> None:
    """What a progress or an error handler raises is logged; the calls beside it are answered, and so is the next."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            with ServerProcess(rig.endpoint) as process:
                assert process.running
                caller = await rig.connected()

                def fail(_: object) -> None:
                    raise ZeroDivisionError

                calls = [caller.call(TALK, Turns(2), on_progress=fail) for _ in range(10)]
                assert [Count(2)] * 10 == await asyncio.gather(*calls)
                assert 20 == len(rig.events("bus.message_handler_failed"))
                assert Text("hi") == await caller.call(ECHO, Text("hi"))

    asyncio.run(scenario())


def test_a_fault_while_sending_fails_leaves_the_rest_to_go(tmp_path: Path) -> None:
    """An exception in one message's `undelivered` neither keeps the messages behind it nor the socket's input back."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            loop = asyncio.get_running_loop()
            near, far = _pair(rig.context)
            got: list[bytes] = []
            rig.later(Pump(near, lambda frames: got.append(frames[0].bytes), loop=loop, log=rig.log).close)
            sender = Pump(far, lambda _: None, loop=loop, log=rig.log)
            rig.later(sender.close)

            def undelivered(_: zmq.ZMQError, _numbers: list[int]) -> None:
                raise ZeroDivisionError

            for number in range(400):
                sender.send_parts((b"%d" % number,), undelivered)
            await until(lambda: rig.events("bus.undelivered_handler_failed"), what="the socket is full")

            def arrives() -> bool:
                sender.send_parts((b"last",))
                return b"last" in got

            await until(arrives)

    asyncio.run(scenario())


def test_the_danger_is_real(tmp_path: Path) -> None:
    """A reader that takes one message per wake-up, without the pump's rules, stands still with messages waiting."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            near, far = _pair(rig.context)
            rig.later(near.close)
            rig.later(far.close)
            loop = asyncio.get_running_loop()
            got: list[bytes] = []

            def take_one() -> None:
                if near.poll(0, zmq.POLLIN):
                    got.append(near.recv(zmq.NOBLOCK))

            loop.add_reader(near.fileno(), take_one)
            for number in range(10):
                far.send(b"%d" % number, zmq.NOBLOCK)
            await asyncio.sleep(0.3)
            loop.remove_reader(near.fileno())
            assert 10 > len(got)
            assert near.poll(0, zmq.POLLIN)

    asyncio.run(scenario())


def test_the_pump_takes_them_all(tmp_path: Path) -> None:
    """The same through a pump, a hundred times over."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            near, far = _pair(rig.context)
            rig.later(far.close)
            got: list[Sequence[zmq.Frame]] = []
            rig.later(Pump(near, got.append, loop=asyncio.get_running_loop(), log=rig.log).close)
            for expected in range(10, 1_010, 10):
                for number in range(10):
                    far.send(b"%d" % number, zmq.NOBLOCK)
                await until(lambda expected=expected: expected == len(got))  # type: ignore[misc]

    asyncio.run(scenario())


def _pair(context: Context) -> tuple[zmq.Socket[bytes], zmq.Socket[bytes]]:
    near, far = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for socket in (near, far):
        socket.set_hwm(100)
        socket.linger = 0
    port = near.bind_to_random_port("tcp://127.0.0.1")
    far.connect(f"tcp://127.0.0.1:{port}")
    return near, far


def test_what_comes_while_a_server_rests_is_served_afterwards(tmp_path: Path) -> None:
    """All of it, once; and what it sends meanwhile leaves."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            loop = asyncio.get_running_loop()
            came_s: list[float] = []

            def serve(request: Request, text: Text) -> Text:
                came_s.append(loop.time())
                server.rest(0.2)
                return text

            server.handle(ECHO, serve)
            caller = await rig.connected()
            assert Text("first") == await caller.call(ECHO, Text("first"))
            said = [Text(str(number)) for number in range(5)]
            assert said == await asyncio.gather(*(caller.call(ECHO, text) for text in said))
            first, *others = came_s
            assert 5 == len(others)
            assert min(others) - first >= 0.2

    asyncio.run(scenario())

"""`ask` and `ping`: for the command line and the watchdog."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from tests.integration.bus.ops import COUNT, ECHO, HANG, HOLD, MARK, Count, Text, Turns
from tests.integration.bus.peer import ServerProcess
from tests.integration.bus.rig import bench
from tpayd.kit.bus import CallError, ask, ping
from tpayd.kit.bus.pump import Pump
from tpayd.kit.bus.sockets import bind, router
from tpayd.kit.bus.wire import encode_body, envelope, open_frame
from tpayd_contracts.envelope import Kind
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.gateway import Welcome
from tpayd_contracts.operation import Empty, Op


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path / 'test.rpc'}"


@pytest.fixture
def process(endpoint: str) -> Iterator[ServerProcess]:
    with ServerProcess(endpoint) as process:
        yield process


def _refusal(endpoint: str, op: Op[Empty, Count], timeout_s: float) -> tuple[ErrorCode, Outcome, bool]:
    """How `ask` ends, and whether it kept to its time."""
    began_s = time.monotonic()
    with pytest.raises(CallError) as caught:
        ask(endpoint, op, Empty(), timeout_s=timeout_s)
    return caught.value.code, caught.value.outcome, time.monotonic() - began_s < timeout_s + 0.3


def test_a_live_process_answers(endpoint: str, process: ServerProcess) -> None:
    """Within its time; each question has a connection of its own, and nothing of it stays."""
    assert process.running
    assert ping(endpoint, 2.0)
    for number in range(1, 6):
        assert Count(number) == ask(endpoint, MARK, Empty(), timeout_s=2.0)
    assert Text("hi") == ask(endpoint, ECHO, Text("hi"), timeout_s=2.0)


def test_nobody_there(endpoint: str) -> None:
    """`unavailable`, `not_started`, when the time is up, and no sooner or later."""
    assert not ping(endpoint, 0.3)
    assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED, True) == _refusal(endpoint, COUNT, 0.3)


def test_a_process_that_starts_meanwhile(endpoint: str) -> None:
    """The question waits for it, as `wait-ready` needs."""
    with ThreadPoolExecutor(1) as early:
        answer = early.submit(ask, endpoint, MARK, Empty(), timeout_s=10.0)
        with ServerProcess(endpoint):
            assert Count(1) == answer.result()


def test_a_killed_process(endpoint: str, process: ServerProcess) -> None:
    """What it left on disk answers nobody."""
    process.kill()
    assert not ping(endpoint, 0.3)
    assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED, True) == _refusal(endpoint, COUNT, 0.3)


def test_a_stopped_process(endpoint: str, process: ServerProcess) -> None:
    """Its socket still takes connections; a question ends in time, without effect, also not after SIGCONT."""
    process.send_signal(signal.SIGSTOP)
    assert not ping(endpoint, 0.3)
    assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED, True) == _refusal(endpoint, MARK, 0.3)
    process.send_signal(signal.SIGCONT)
    assert ping(endpoint, 2.0)
    assert Count(0) == ask(endpoint, COUNT, Empty(), timeout_s=2.0)


def test_a_hung_loop(endpoint: str, process: ServerProcess) -> None:
    """libzmq's thread lives, the loop does not: no answer to PING, and a question has not started."""
    assert process.running
    hanging = threading.Thread(target=ask, args=(endpoint, HANG, Turns(1_000)))
    hanging.start()
    try:
        time.sleep(0.3)  # until the handler blocks its process, which by its nature tells nobody
        assert not ping(endpoint, 0.2)
        assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED, True) == _refusal(endpoint, MARK, 0.2)
        # Patience helps, however often HELLO had to be said.
        assert Count(0) == ask(endpoint, COUNT, Empty(), timeout_s=5.0)
    finally:
        hanging.join()


def test_a_question_that_is_not_answered(endpoint: str, process: ServerProcess) -> None:
    """It was sent, so its outcome is unknown."""
    assert process.running
    with pytest.raises(CallError) as caught:
        ask(endpoint, HOLD, Empty(), timeout_s=0.4)
    assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == (caught.value.code, caught.value.outcome)


def test_answers_are_not_mixed_up(tmp_path: Path) -> None:
    """A slow peer's answers to repeated HELLOs are not taken for the answer to the question."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            loop = asyncio.get_running_loop()
            socket = router(rig.context, 100)
            rig.later(bind(socket, rig.endpoint).close)
            session = ""

            def answer(frames: Sequence[zmq.Frame]) -> None:
                nonlocal session
                message = open_frame(frames[1].bytes)
                reply = envelope(Kind.REPLY, message.id, body=encode_body(Count(7)))
                if message.kind == Kind.HELLO:
                    session = str(message.id)
                    welcome = Welcome(session=session, contract="1.0", server="server", version="0")
                    reply = envelope(Kind.REPLY, message.id, body=encode_body(welcome))
                elif message.session != session:
                    return
                loop.call_later(0.35, slow.send_parts, (frames[0].bytes, reply))

            slow = Pump(socket, answer, loop=loop, log=rig.log)
            rig.later(slow.close)
            assert Count(7) == await asyncio.to_thread(ask, rig.endpoint, COUNT, Empty(), timeout_s=5.0)

    asyncio.run(scenario())


def test_an_error_is_raised_as_it_came(endpoint: str, process: ServerProcess) -> None:
    """Refusals keep their code, field and outcome; an answer of another shape is unknown, for it was done."""
    assert process.running
    with pytest.raises(CallError) as refused:
        ask(endpoint, Op("test.nothing", Empty, Empty), Empty())
    assert (ErrorCode.UNKNOWN_OP, "op", Outcome.NOT_STARTED) == (
        refused.value.code, refused.value.field, refused.value.outcome,
    )  # fmt: skip
    with pytest.raises(CallError) as unread:
        ask(endpoint, Op(MARK.name, Empty, Text), Empty())
    assert (ErrorCode.INTERNAL, Outcome.UNKNOWN) == (unread.value.code, unread.value.outcome)

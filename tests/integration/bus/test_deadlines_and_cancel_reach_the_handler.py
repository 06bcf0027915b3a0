"""When nobody waits any more the serving end hears of it: a deadline, a cancelled wait, a caller that died."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from pathlib import Path

import pytest
from msgspec import Struct

from tests.integration.bus.ops import COUNT, ECHO, HOLD, LATE, MARK, Count, Text
from tests.integration.bus.rig import bench, decode, failure, serve_test_ops, until
from tpayd.kit.bus import CallError, Request, ServerLimits
from tpayd.kit.bus.wire import envelope
from tpayd_contracts.envelope import UNANSWERED, Kind
from tpayd_contracts.errors import ErrorBody, ErrorCode, Outcome
from tpayd_contracts.operation import Empty


def test_an_expired_request_has_no_effect(tmp_path: Path) -> None:
    """It is refused before the handler, and by the caller before it is sent at all."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            peer, caller = rig.raw(), await rig.connected()
            await peer.hello()
            for deadline in (0, -1, rig.clock.boottime_ms()):
                await peer.request(7, MARK, deadline=deadline)
                error = await peer.refused()
                assert (ErrorCode.EXPIRED, "deadline", Outcome.NOT_STARTED) == (error.code, error.field, error.outcome)
                early = await failure(caller.call(MARK, Empty(), deadline_ms=deadline or -1))
                assert (ErrorCode.EXPIRED, Outcome.NOT_STARTED) == (early.code, early.outcome)
            assert Count(0) == await caller.call(COUNT, Empty())

    asyncio.run(scenario())


def test_a_time_to_live_has_bounds(tmp_path: Path) -> None:
    """Callers off this machine send milliseconds: 0 means the default; too many, or fewer than none, are refused."""
    left_s: list[float] = []

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(deadline_is_ttl=True, bounds=ServerLimits(default_ttl_ms=5_000, max_ttl_ms=9_000))

            def look(request: Request, _: Empty) -> Empty:
                left_s.append(request.remaining_s())
                return Empty()

            server.handle(MARK, look)  # type: ignore[arg-type]
            peer = rig.raw()
            await peer.hello()
            for ttl_ms in (0, 1_000, 9_000):
                await peer.request(7, MARK, deadline=ttl_ms)
                assert Kind.REPLY == (await peer.receive()).kind
            for ttl_ms in (-1, 9_001, 2**63):
                await peer.request(7, MARK, deadline=ttl_ms)
                error = await peer.refused()
                assert (ErrorCode.INVALID_BODY, "deadline") == (error.code, error.field)
            assert [5.0, 1.0, 9.0] == [round(each) for each in left_s]

    asyncio.run(scenario())


def test_a_late_answer_is_counted_and_dropped(tmp_path: Path) -> None:
    """The call ended `timeout`, `unknown`, at its deadline; what comes afterwards revives nothing."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            held: list[Request] = []
            rig.server().handle_raw(HOLD.name, held.append)
            caller = await rig.connected()
            began_s = time.monotonic()
            error = await failure(caller.call(HOLD, Empty(), ttl_s=0.1))
            assert (ErrorCode.TIMEOUT, Outcome.UNKNOWN) == (error.code, error.outcome)
            assert 0.1 <= time.monotonic() - began_s < 10.0
            # The deadline is told to the peer as a CANCEL, which this handler has no ear for.
            await until(lambda: held[0].cancelled)
            held[0].reply(Empty())
            await until(lambda: rig.counts.drops["late_answer"])
            assert 1 == rig.counts.called_codes["timeout"]

    asyncio.run(scenario())


def test_a_cancelled_wait_cancels_the_handler(tmp_path: Path) -> None:
    """Cancelling the await sends CANCEL: a task without `on_cancel` is cancelled, one with it is told once."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            held = serve_test_ops(server)
            told: list[bool] = []

            async def hold_on(request: Request, _: Empty) -> Count:
                stop = asyncio.Event()

                def stopped() -> None:
                    told.append(request.gone)
                    stop.set()

                request.on_cancel(stopped)
                await stop.wait()
                return Count(1)

            server.handle(LATE, hold_on)
            caller = await rig.connected()
            for call in (caller.call(HOLD, Empty()), caller.call(LATE, Empty())):
                waiting: asyncio.Future[Struct] = asyncio.ensure_future(call)
                await until(lambda: server.open_count == 1)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await until(lambda: server.open_count == 0)
            assert held[0].cancelled
            assert [False] == told

    asyncio.run(scenario())


def test_a_cancel_right_behind_its_request(tmp_path: Path) -> None:
    """Both in one turn of the server's loop, before the handler's task began: answered, and nothing stays open."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            held = serve_test_ops(server)
            peer = rig.raw()
            await peer.hello()
            for number in range(1, 21):
                await peer.request(number, HOLD)
                await peer.send(envelope(Kind.CANCEL, number, session=peer.session))
            errors = [decode((await peer.receive()).body, ErrorBody) for _ in range(20)]
            assert {ErrorCode.ABORTED} == {error.code for error in errors}
            started = len(held)
            assert 20 - started == sum(error.outcome == Outcome.NOT_STARTED for error in errors)
            assert 0 == server.open_count

    asyncio.run(scenario())


def test_a_request_that_asks_for_no_answer_gets_none(tmp_path: Path) -> None:
    """It is served all the same, and the next request's answer is the first that comes."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            serve_test_ops(server)
            peer = rig.raw()
            await peer.hello()
            await peer.request(UNANSWERED, ECHO, Text("unheard"))
            await peer.request(1, ECHO, Text("heard"))
            answer = await peer.receive()
            assert (Kind.REPLY, 1) == (answer.kind, answer.id)
            assert 0 == server.open_count

    asyncio.run(scenario())


def test_a_cancelled_wait_can_hear_the_late_answer(tmp_path: Path) -> None:
    """`on_late` gets what was granted while the wait was being cancelled, so that it can be given back."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            held: list[Request] = []
            rig.server().handle_raw(MARK.name, held.append)
            caller = await rig.connected()
            late: list[Count] = []
            call = asyncio.ensure_future(caller.call(MARK, Empty(), on_late=late.append))
            await until(lambda: held)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            held[0].reply(Count(5))
            await until(lambda: late)
            assert [Count(5)] == late

    asyncio.run(scenario())


def test_a_caller_that_dies_is_noticed(tmp_path: Path) -> None:
    """Its handlers hear `gone` well within two seconds, its session ends, and what it had open is free again."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            held = serve_test_ops(server)
            told: list[Request] = []

            def keep(request: Request) -> None:
                request.on_cancel(lambda: told.append(request))

            server.handle_raw(LATE.name, keep)
            idle, busy = rig.raw(), rig.raw()
            for peer in (idle, busy):
                await peer.hello()
            for number in range(5):
                await busy.request(number, HOLD)
                await busy.request(number + 10, LATE)
            await until(lambda: server.open_count == 10)
            busy.close()
            idle.close()
            await until(lambda: server.open_count == 0, timeout_s=2.0)
            assert [True] * 5 == [request.gone for request in told]
            assert [True] * 5 == [request.gone for request in held]
            await until(lambda: not server.sessions, timeout_s=2.0)
            # An answer to nobody is no fault.
            told[0].reply(Count(1))
            told[0].progress(Count(1))
            assert [] == rig.events("bus.handler_failed")

    asyncio.run(scenario())


def test_a_fault_in_on_cancel_hurts_nobody_else(tmp_path: Path) -> None:
    """The others of the same dead caller hear it all the same, and the server goes on."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            serve_test_ops(server)
            told: list[int] = []

            def keep(request: Request) -> None:
                def on_cancel() -> None:
                    told.append(request.number)
                    raise ZeroDivisionError

                request.on_cancel(on_cancel)

            server.handle_raw(LATE.name, keep)
            peer = rig.raw()
            await peer.hello()
            for number in range(3):
                await peer.request(number, LATE)
            await peer.send(envelope(Kind.CANCEL, 0, session=peer.session))
            await until(lambda: told)
            peer.close()
            await until(lambda: server.open_count == 0)
            assert [0, 1, 2] == told
            caller = await rig.connected()
            assert Text("on") == await caller.call(ECHO, Text("on"))

    asyncio.run(scenario())


def test_an_unfinished_task_of_a_dead_caller_still_takes_room(tmp_path: Path) -> None:
    """A handler that goes on after its caller went is counted: coming back does not lift the bound."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(bounds=ServerLimits(max_open_total=3))
            serve_test_ops(server)
            go_on = asyncio.Event()

            async def stubborn(request: Request, _: Empty) -> Count:
                request.on_cancel(lambda: None)
                await go_on.wait()
                return Count(1)

            server.handle(LATE, stubborn)
            peer = rig.raw()
            await peer.hello()
            for number in range(3):
                await peer.request(number, LATE)
            await until(lambda: server.open_count == 3)
            peer.close()
            await until(lambda: server.open_count == 0)
            caller = await rig.connected()
            assert ErrorCode.BUSY == (await failure(caller.call(HOLD, Empty()))).code
            go_on.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert Text("room") == await caller.call(ECHO, Text("room"))

    asyncio.run(scenario())


class Odd(Struct):
    thing: object


def test_a_handler_that_ends_badly_is_still_an_answer(tmp_path: Path) -> None:
    """Whatever it raises, or returns that cannot be sent: `internal`, `unknown`, and neither traceback nor data."""
    secret = "4929-hidden"

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()

            def raises(_request: Request, _body: Empty) -> Empty:
                raise KeyError(secret)

            async def raises_later(_request: Request, _body: Empty) -> Empty:
                await asyncio.sleep(0)
                raise KeyError(secret)

            def odd(_request: Request, _body: Empty) -> Odd:
                return Odd(object())

            async def odd_later(_request: Request, _body: Empty) -> Odd:
                await asyncio.sleep(0)
                return Odd(object())

            server.handle(LATE, raises)  # type: ignore[arg-type]
            server.handle(MARK, raises_later)  # type: ignore[arg-type]
            server.handle(COUNT, odd)  # type: ignore[arg-type]
            server.handle(HOLD, odd_later)  # type: ignore[arg-type]
            peer = rig.raw()
            await peer.hello()
            for op in (LATE, MARK, COUNT, HOLD):
                await peer.request(7, op)
                answer = await peer.receive()
                error = decode(answer.body, ErrorBody)
                assert (ErrorCode.INTERNAL, Outcome.UNKNOWN) == (error.code, error.outcome)
                assert secret.encode() not in bytes(answer.body)
                assert b"Traceback" not in bytes(answer.body)
            assert 0 == server.open_count
            assert 4 == len(rig.events("bus.handler_failed"))

    asyncio.run(scenario())


def test_a_handlers_own_error_reaches_the_caller_whole(tmp_path: Path) -> None:
    """Code, sentence, outcome, retryable, field and detail, from a function and from a task."""
    raised = CallError(
        ErrorCode.CARD_FAILED, "the card was pulled", outcome=Outcome.FAILED, retryable=True, field="$.a", detail="12"
    )

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()

            def now(_request: Request, _body: Empty) -> Empty:
                raise raised

            async def later(_request: Request, _body: Empty) -> Empty:
                raise raised

            server.handle(MARK, now)  # type: ignore[arg-type]
            server.handle(HOLD, later)
            caller = await rig.connected()
            for op in (MARK, HOLD):
                error = await failure(caller.call(op, Empty()))
                assert raised.body() == error.body()

    asyncio.run(scenario())


def test_an_answered_request_leaves_nothing_to_the_collector(tmp_path: Path) -> None:
    """What would cancel it knows it: left behind by the thousand, they would stop a process for 20 ms."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            left: list[weakref.ref[object]] = []

            def hold(request: Request) -> None:
                def abandon() -> None:
                    request.reply(Count(0))

                request.on_cancel(abandon)
                left.append(weakref.ref(abandon))
                asyncio.get_running_loop().call_soon(request.reply, Count(1))

            rig.server().handle_raw(COUNT.name, hold)
            caller = await rig.connected()
            gc.disable()
            try:
                assert Count(1) == await caller.call(COUNT, Empty())
                await until(lambda: left[0]() is None)
            finally:
                gc.enable()

    asyncio.run(scenario())


def test_a_client_that_is_removed_has_its_requests_refused_and_cancelled(tmp_path: Path) -> None:
    """It hears why, and who works for it hears that nobody waits."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server, told = rig.server(), asyncio.Event()

            def hold(request: Request) -> None:
                request.on_cancel(told.set)

            server.handle_raw(HOLD.name, hold)
            caller = await rig.connected()
            waiting = asyncio.ensure_future(failure(caller.call(HOLD, Empty())))
            await until(lambda: server.open_count == 1)
            (session,) = server.sessions.values()
            server.end_session(session, CallError.unknown(ErrorCode.NOT_PERMITTED, "removed"))
            assert told.is_set()
            assert ErrorCode.NOT_PERMITTED == (await waiting).code

    asyncio.run(scenario())

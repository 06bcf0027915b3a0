"""Every queue has a bound, and who reaches it is told at once."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from tests.integration.bus.ops import COUNT, ECHO, FINISH, HOLD, MARK, TALK, Count, Text, Turns
from tests.integration.bus.rig import bench, failure, hello_frame, serve_test_ops, until
from tpayd.kit.bus import CallError, Request, ServerLimits, limits
from tpayd_contracts.envelope import MAX_FRAME_BYTES, Kind
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty


def test_one_caller_has_its_share(tmp_path: Path) -> None:
    """Beyond its own bound a caller is told `busy`; another is served; an answer makes room."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(bounds=ServerLimits(max_open_per_session=3))
            held = serve_test_ops(server)
            greedy, modest = await rig.connected(), await rig.connected()
            calls = [asyncio.ensure_future(greedy.call(HOLD, Empty())) for _ in range(3)]
            await until(lambda: len(held) == 3)
            error = await failure(greedy.call(MARK, Empty()))
            assert (ErrorCode.BUSY, Outcome.NOT_STARTED, True) == (error.code, error.outcome, error.retryable)
            assert Count(0) == await modest.call(COUNT, Empty())
            held[0].reply(Empty())
            assert Empty() == await calls[0]
            assert Count(1) == await greedy.call(MARK, Empty())
            for call in calls:
                call.cancel()

    asyncio.run(scenario())


def test_all_callers_together_have_a_bound(tmp_path: Path) -> None:
    """The sum over all callers is bounded, too."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(bounds=ServerLimits(max_open_total=4))
            held = serve_test_ops(server)
            callers = [await rig.connected() for _ in range(2)]
            calls = [asyncio.ensure_future(each.call(HOLD, Empty())) for each in callers for _ in range(2)]
            await until(lambda: len(held) == 4)
            for caller in callers:
                assert ErrorCode.BUSY == (await failure(caller.call(MARK, Empty()))).code
            for call in calls:
                call.cancel()

    asyncio.run(scenario())


def test_sessions_have_a_bound_and_dead_ones_make_room(tmp_path: Path) -> None:
    """One peer too many is told `busy`; when another has gone, it gets in."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(bounds=ServerLimits(max_sessions=3))
            serve_test_ops(server)
            guests = [rig.raw() for _ in range(3)]
            for guest in guests:
                await guest.hello()
                await guest.hello()  # the same place, not another one
            late = rig.raw()
            await late.send(hello_frame())
            assert ErrorCode.BUSY == (await late.refused()).code
            guests[0].close()
            await until(lambda: len(server.sessions) == 2)
            assert Kind.REPLY == (await late.hello()).kind

    asyncio.run(scenario())


def test_a_caller_bounds_what_it_has_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`busy` from the calling end itself, nothing sent."""
    monkeypatch.setattr(limits, "MAX_PENDING", 2)

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            caller = await rig.connected()
            calls = [asyncio.ensure_future(caller.call(HOLD, Empty())) for _ in range(2)]
            await asyncio.sleep(0)
            error = await failure(caller.call(MARK, Empty()))
            assert (ErrorCode.BUSY, Outcome.NOT_STARTED) == (error.code, error.outcome)
            for call in calls:
                call.cancel()

    asyncio.run(scenario())


def test_draining_lets_in_only_what_ends_things(tmp_path: Path) -> None:
    """New requests are refused `draining`; what is open is finished, and operations marked so are still served."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            held = serve_test_ops(server)

            def let_go(_request: Request, _body: Empty) -> Empty:
                held[0].reply(Empty())
                return Empty()

            server.handle(FINISH, let_go, while_draining=True)
            caller = await rig.connected()
            open_call = asyncio.ensure_future(caller.call(HOLD, Empty()))
            await until(lambda: held)
            server.draining = True
            error = await failure(caller.call(MARK, Empty()))
            assert (ErrorCode.DRAINING, Outcome.NOT_STARTED, True) == (error.code, error.outcome, error.retryable)
            assert Empty() == await caller.call(FINISH, Empty())
            assert Empty() == await open_call

    asyncio.run(scenario())


def test_a_peer_that_does_not_read_hurts_nobody(tmp_path: Path) -> None:
    """Its answers are dropped and counted, said once in the log; memory stays where it was, others are served."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server(bounds=ServerLimits(max_open_per_session=8))
            serve_test_ops(server)
            deaf, other = rig.raw(), await rig.connected()
            await deaf.hello()
            text = Text("x" * 20_000)
            for number in range(400):
                await deaf.request(number, ECHO, text)
            await until(lambda: rig.counts.drops["slow_peer"])
            before_kib = _rss_kib()
            for number in range(2_000):
                await deaf.request(number, ECHO, text)
                if number % 500 == 0:
                    assert Text("quick") == await asyncio.wait_for(other.call(ECHO, Text("quick")), 10.0)
            await until(lambda: rig.counts.served_codes["ok"] >= 2_400)
            assert 1_500 < rig.counts.drops["slow_peer"]
            # 2,000 answers of 20 kB each would be 40 MB.
            assert 15_000 > _rss_kib() - before_kib
            assert 5 > len(rig.events("bus.slow_peer"))

    asyncio.run(scenario())


def _rss_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def test_a_request_that_is_too_large_is_not_sent(tmp_path: Path) -> None:
    """The calling end refuses it: `too_large`, `not_started`, and the connection stays."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            serve_test_ops(rig.server())
            caller = await rig.connected()
            for size in (MAX_FRAME_BYTES, 10 * MAX_FRAME_BYTES):
                error = await failure(caller.call(ECHO, Text("x" * size)))
                assert (ErrorCode.TOO_LARGE, Outcome.NOT_STARTED) == (error.code, error.outcome)
            largest = Text("x" * (MAX_FRAME_BYTES - 200))
            assert largest == await caller.call(ECHO, largest)

    asyncio.run(scenario())


def test_an_answer_that_is_too_large_is_an_error(tmp_path: Path) -> None:
    """Sent as it is, it would end the connection and all calls on it; the outcome is `unknown`, for it was done."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            server.handle(ECHO, lambda _, body: Text(body.text * 5_000_000))
            held: list[Request] = []
            server.handle_raw(HOLD.name, held.append)
            caller = await rig.connected()
            beside = asyncio.ensure_future(caller.call(HOLD, Empty()))
            error = await failure(caller.call(ECHO, Text("x")))
            assert (ErrorCode.TOO_LARGE, Outcome.UNKNOWN) == (error.code, error.outcome)
            held[0].progress(Text("x" * 5_000_000))
            held[0].reply(Empty())
            assert Empty() == await beside
            assert 1 == len(rig.events("bus.connected"))
            assert 1 == rig.counts.drops["too_large"]

    asyncio.run(scenario())


def test_an_answer_of_another_shape_is_unknown(tmp_path: Path) -> None:
    """It was done, so an answer or error that cannot be read must never look as if nothing had happened."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            server.handle_raw(ECHO.name, lambda request: request.reply(Count(1)))

            def newer(request: Request) -> None:
                class NewerError(CallError):
                    def body(self) -> Text:  # type: ignore[override]
                        return Text("a code of the next version")

                request.fail(NewerError(ErrorCode.BUSY, "", outcome=Outcome.NOT_STARTED))

            server.handle_raw(TALK.name, newer)
            caller = await rig.connected()
            for call in (caller.call(ECHO, Text("x")), caller.call(TALK, Turns(1))):
                error = await asyncio.wait_for(failure(call), 10.0)
                assert (ErrorCode.INTERNAL, Outcome.UNKNOWN) == (error.code, error.outcome)

    asyncio.run(scenario())


def test_a_closed_caller_refuses(tmp_path: Path) -> None:
    """What was open ends unknown; what is asked afterwards is refused at once."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            held = serve_test_ops(rig.server())
            caller = await rig.connected()
            call = asyncio.ensure_future(failure(caller.call(HOLD, Empty())))
            await until(lambda: held)
            await caller.close()
            assert Outcome.UNKNOWN == (await call).outcome
            error = await failure(caller.call(MARK, Empty()))
            assert (ErrorCode.UNAVAILABLE, Outcome.NOT_STARTED) == (error.code, error.outcome)

    asyncio.run(scenario())


def test_a_closed_server_leaves_no_task(tmp_path: Path) -> None:
    """Open requests end, tasks of callers that have gone as well, and a second close is nothing."""

    async def scenario() -> None:
        async with bench(tmp_path) as rig:
            server = rig.server()
            held = serve_test_ops(server)
            caller = await rig.connected()
            call = asyncio.ensure_future(failure(caller.call(HOLD, Empty())))
            await until(lambda: held)
            await server.close()
            assert Outcome.UNKNOWN == (await asyncio.wait_for(call, 10.0)).outcome
            assert held[0].task is not None
            assert held[0].task.done()
            await server.close()

    asyncio.run(scenario())

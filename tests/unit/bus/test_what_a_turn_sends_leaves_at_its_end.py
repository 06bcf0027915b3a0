"""When messages leave: with the drain that caused them, or in the loop's next round; all of a turn at once."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus.turn import Turn, turn_of


async def _round() -> None:
    await asyncio.sleep(0)


def test_what_a_drain_sends_has_left_when_it_ends() -> None:
    """No further round of the loop is waited for."""

    async def scenario() -> list[str]:
        left: list[str] = []
        turn = turn_of(asyncio.get_running_loop())

        def take() -> bool:
            turn.at_end(lambda: left.append("sent"))
            left.append("taken")
            return True

        assert turn.drain(take)
        return left

    assert ["taken", "sent"] == asyncio.run(scenario())


def test_what_others_send_leaves_in_the_next_round() -> None:
    """Two senders of one turn wait for its end, and then both leave."""

    async def scenario() -> tuple[list[str], list[str]]:
        left: list[str] = []
        turn = turn_of(asyncio.get_running_loop())
        turn.at_end(lambda: left.append("a"))
        turn.at_end(lambda: left.append("b"))
        before = list(left)
        await _round()
        return before, left

    assert ([], ["a", "b"]) == asyncio.run(scenario())


def test_what_woken_tasks_send_leaves_right_behind_them() -> None:
    """Two tasks that a drain has woken send in the same round, and what they send leaves in it, together."""

    async def scenario() -> list[str]:
        left: list[str] = []
        loop = asyncio.get_running_loop()
        turn = turn_of(loop)

        def woken() -> None:
            left.append("woken")
            turn.at_end(lambda: left.append("sent"))

        def take() -> bool:
            loop.call_soon(woken)
            turn.tasks_woken = True
            loop.call_soon(woken)
            return False

        turn.drain(take)
        loop.call_soon(left.append, "later")
        await _round()
        return left

    assert ["woken", "woken", "sent", "sent", "later"] == asyncio.run(scenario())


def test_what_tasks_send_that_another_thread_woke_leaves_right_behind_them() -> None:
    """Outside of a drain, whoever has woken tasks says so."""

    async def scenario() -> list[str]:
        left: list[str] = []
        loop = asyncio.get_running_loop()
        turn = turn_of(loop)
        loop.call_soon(lambda: turn.at_end(lambda: left.append("sent")))
        turn.after_tasks()
        loop.call_soon(left.append, "later")
        await _round()
        return left

    assert ["sent", "later"] == asyncio.run(scenario())


def test_what_is_sent_at_the_end_of_a_turn_leaves_in_the_next() -> None:
    """An answer to what came in while messages left does not hold up the loop."""

    async def scenario() -> list[list[str]]:
        left: list[str] = []
        turn = turn_of(asyncio.get_running_loop())

        def flush() -> None:
            left.append("first")
            turn.at_end(lambda: left.append("second"))

        def take() -> bool:
            turn.at_end(flush)
            return False

        turn.drain(take)
        seen = [list(left)]
        await _round()
        return [*seen, left]

    assert [["first"], ["first", "second"]] == asyncio.run(scenario())


def test_what_is_gathered_in_a_turn_leaves_with_it() -> None:
    """Gathered during a drain or outside of one, it is sent before the flushes, and by them."""

    async def scenario() -> list[list[str]]:
        left: list[str] = []
        turn = turn_of(asyncio.get_running_loop())

        def gather() -> None:
            turn.at_end(lambda: left.append("gathered"))

        def take() -> bool:
            turn.before_end(gather)
            return False

        turn.drain(take)
        seen = [list(left)]
        turn.before_end(gather)
        await _round()
        return [*seen, left]

    assert [["gathered"], ["gathered", "gathered"]] == asyncio.run(scenario())


def test_what_is_gathered_while_the_turn_ends_leaves_in_the_next() -> None:
    """Nobody has to send anything else for that."""

    async def scenario() -> list[str]:
        left: list[str] = []
        turn = turn_of(asyncio.get_running_loop())

        def first() -> None:
            left.append("first")
            turn.before_end(lambda: left.append("second"))

        turn.before_end(first)
        await _round()
        await _round()
        return left

    assert ["first", "second"] == asyncio.run(scenario())


def test_one_senders_fault_does_not_keep_the_others() -> None:
    """The fault is told to the loop, and the next sender's messages leave."""

    async def scenario() -> tuple[list[str], list[str]]:
        left: list[str] = []
        faults: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: faults.append(str(context["exception"])))
        turn = turn_of(loop)

        def broken() -> None:
            raise OSError("no such socket")

        turn.at_end(broken)
        turn.at_end(lambda: left.append("sent"))
        await _round()
        return left, faults

    assert (["sent"], ["no such socket"]) == asyncio.run(scenario())


def test_a_loop_has_one_turn_and_keeps_it_no_longer_than_it_lives() -> None:
    """All sockets of a loop share it; another loop has another."""

    async def scenario() -> tuple[Turn, Turn]:
        loop = asyncio.get_running_loop()
        return turn_of(loop), turn_of(loop)

    first = asyncio.run(scenario())
    second = asyncio.run(scenario())
    assert first[0] is first[1]
    assert first[0] is not second[0]

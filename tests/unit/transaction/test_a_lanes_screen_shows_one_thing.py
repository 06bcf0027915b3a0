"""A lane's screen: whoever watches hears of each change, and the first answer to what is shown is the only one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Raw, Struct

from tests.harness.clock import FakeClock
from tpayd.kit.bus import CallError
from tpayd.kit.bus.wire import encode_body
from tpayd.transaction.steps.questions import Asks, Drawn, Keyed, Question
from tpayd.transaction.steps.screens import STILL_WATCHED_S, WATCHERS_MAX, Screens
from tpayd_contracts.operation import Op
from tpayd_contracts.screen import (
    SCREEN_NUMBER,
    SCREEN_SIGN,
    SCREEN_WATCH,
    ScreenAsk,
    ScreenNumber,
    ScreenSignature,
    ScreenState,
    WatchScreen,
)

STROKES = ((1, 2, 3, 4),)
TEXT = ("Sign", "서명")


class Asked:
    """A request, and what it was answered."""

    def __init__(self, body: Struct, deadline_ms: int) -> None:
        self.body: Raw = encode_body(body)
        self.deadline_ms = deadline_ms
        self.gone = False
        self.answers: list[Any] = []
        self.cancel: Callable[[], None] = lambda: None

    def reply(self, body: Struct) -> None:
        self.answers.append(body)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        self.cancel = callback


class Desk:
    """The screens of lane 1, and a bus to ask them over."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.screens = Screens(self.clock, ["1"])
        self._raw: dict[str, Callable[[Any], None]] = {}
        self._typed: dict[str, Callable[[Any, Any], Any]] = {}
        self.screens.register(self)  # type: ignore[arg-type]

    def handle_raw(self, name: str, serve: Callable[[Any], None], **_: bool) -> None:
        self._raw[name] = serve

    def handle(self, op: Op[Any, Any], serve: Callable[[Any, Any], Any], **_: bool) -> None:
        self._typed[op.name] = serve

    def watch(self, seen: str | None = None, wait_s: float = 20.0, lane: str = "1") -> Asked:
        asked = Asked(WatchScreen(lane, seen, wait_s), self.clock.boottime_ms() + 60_000)
        self._raw[SCREEN_WATCH.name](asked)
        return asked

    def sign(self, token: str, lane: str = "1") -> None:
        self._typed[SCREEN_SIGN.name](None, ScreenSignature(lane, token, STROKES))

    def number(self, token: str, number: str) -> None:
        self._typed[SCREEN_NUMBER.name](None, ScreenNumber("1", token, number))


def tried(test: Callable[[Desk], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def begin() -> None:
            await test(Desk())

        asyncio.run(begin())

    run.__doc__, run.__name__ = test.__doc__, test.__name__
    return run


def shown(asked: Asked) -> str | None:
    """The token that a watcher was told last."""
    (state,) = asked.answers
    assert isinstance(state, ScreenState)
    return None if state.prompt is None else state.prompt.token


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(CallError) as error:
        call()
    return str(error.value.code)


@tried
async def test_a_change_is_told_at_once(desk: Desk) -> None:
    """That something is asked, and that it no longer is."""
    watcher = desk.watch()
    assert [] == watcher.answers
    with desk.screens.showing(Question(Asks.SIGN), lane="1", asks=ScreenAsk.SIGN, text=TEXT, wait_s=20) as prompt:
        assert prompt.token == shown(watcher)
        again = desk.watch(prompt.token)
        assert [] == again.answers
    assert shown(again) is None


@tried
async def test_the_oldest_is_shown_first(desk: Desk) -> None:
    """What is asked meanwhile waits for its turn on the screen."""
    first, second = Question(Asks.SIGN), Question(Asks.NUMBER)
    with desk.screens.showing(second, lane="1", asks=ScreenAsk.NUMBER, text=TEXT, wait_s=20, digits=(1, 4)) as later:
        with desk.screens.showing(first, lane="1", asks=ScreenAsk.SIGN, text=TEXT, wait_s=20):
            assert later.token == shown(desk.watch())
            watcher = desk.watch(later.token)
        assert [] == watcher.answers


@tried
async def test_one_answer_counts(desk: Desk) -> None:
    """The first that fits; each other is refused by its own name."""
    question = Question(Asks.NUMBER)
    with desk.screens.showing(question, lane="1", asks=ScreenAsk.NUMBER, text=TEXT, wait_s=20, digits=(2, 4)) as prompt:
        token = prompt.token
        assert "invalid_body" == code_of(lambda: desk.number(token, "1"))
        assert "invalid_body" == code_of(lambda: desk.number(token, "12345"))
        assert "invalid_body" == code_of(lambda: desk.sign(token))
        assert "too_late" == code_of(lambda: desk.number("f" * 32, "123"))
        assert question.is_open
        desk.number(token, "123")
        assert Keyed("123") == question.said
        assert "too_late" == code_of(lambda: desk.number(token, "124"))
    assert "too_late" == code_of(lambda: desk.number(token, "123"))


@tried
async def test_another_lanes_token_is_none(desk: Desk) -> None:
    """The gateway lets nobody ask for a lane that is not his; a token proves nothing for another one."""
    question = Question(Asks.SIGN)
    with desk.screens.showing(question, lane="1", asks=ScreenAsk.SIGN, text=TEXT, wait_s=20) as prompt:
        assert "too_late" == code_of(lambda: desk.sign(prompt.token, lane="2"))
        desk.sign(prompt.token)
        assert Drawn(STROKES, 128, 64) == question.said


@tried
async def test_who_watches_is_known(desk: Desk) -> None:
    """While it asks, for a moment after an answer, and not after a last look."""
    assert not desk.screens.watched("1")
    watcher = desk.watch()
    assert desk.screens.watched("1")
    desk.clock.advance(STILL_WATCHED_S * 10)
    assert desk.screens.watched("1")
    desk.screens.close()
    assert (None, True) == (shown(watcher), desk.screens.watched("1"))
    desk.clock.advance(STILL_WATCHED_S)
    assert not desk.screens.watched("1")
    desk.watch("f" * 32)
    assert desk.screens.watched("1")
    desk.watch(wait_s=0)
    assert not desk.screens.watched("1")


@tried
async def test_one_that_is_gone_watches_no_more(desk: Desk) -> None:
    """Its connection ended."""
    watcher = desk.watch()
    watcher.gone = True
    watcher.cancel()
    assert ([], False) == (watcher.answers, desk.screens.watched("1"))


@tried
async def test_watchers_are_bounded(desk: Desk) -> None:
    """And a lane that is not there has none."""
    for _ in range(WATCHERS_MAX):
        desk.watch()
    assert "busy" == code_of(desk.watch)
    assert "not_found" == code_of(lambda: desk.watch(lane="2"))

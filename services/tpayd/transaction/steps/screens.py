"""The lanes' screens: what each is to show, who watches it, and where an answer goes.

A lane shows one thing at a time, the oldest first. Nothing of an answer is kept here.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.clock import Clock
from tpayd.transaction.steps.questions import Answer, Drawn, Keyed, Question
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty
from tpayd_contracts.screen import (
    SCREEN_NUMBER,
    SCREEN_SIGN,
    SCREEN_WATCH,
    ScreenAsk,
    ScreenNumber,
    ScreenPrompt,
    ScreenSignature,
    ScreenState,
    WatchScreen,
)

__all__ = ["STILL_WATCHED_S", "WATCHERS_MAX", "Screens"]

WATCHERS_MAX = 4
"""Screens of one lane that may watch at once."""
STILL_WATCHED_S = 5.0
"""How long a screen that was just answered may take to ask again before nobody is taken to watch."""
_ANSWER_EARLY_MS = 100
"""A watch is answered so long before its deadline, so that the answer arrives within it."""


class _Shown(Struct, eq=False):
    prompt: ScreenPrompt
    question: Question
    until_ms: int


class _Watcher(Struct, eq=False):
    request: Request
    seen: str | None
    timer: asyncio.TimerHandle | None = None


class Screens:
    """See the module."""

    def __init__(self, clock: Clock, lanes: Collection[str]) -> None:
        self._clock = clock
        self._lanes = frozenset(lanes)
        self._shown: defaultdict[str, list[_Shown]] = defaultdict(list)
        self._watchers: defaultdict[str, list[_Watcher]] = defaultdict(list)
        self._watched_ms: dict[str, int] = {}

    def register(self, server: Server) -> None:
        """Serve its operations."""
        server.handle_raw(SCREEN_WATCH.name, self._watch)
        server.handle(SCREEN_SIGN, self._sign, while_draining=True)
        server.handle(SCREEN_NUMBER, self._number, while_draining=True)

    def watched(self, lane: str) -> bool:
        """Whether somebody is there to show something."""
        if self._watchers.get(lane):
            return True
        since_ms = self._watched_ms.get(lane)
        return since_ms is not None and self._clock.boottime_ms() - since_ms < STILL_WATCHED_S * 1000

    @contextmanager
    def showing(
        self, question: Question, *, lane: str, asks: ScreenAsk, text: tuple[str, str], wait_s: float,
        request_id: str | None = None, amount_minor: int | None = None, digits: tuple[int, int] = (0, 0),
    ) -> Iterator[ScreenPrompt]:  # fmt: skip
        """Have the lane's screen show it, for as long as the context lasts. Gives what a POS is to be told."""
        prompt = ScreenPrompt(
            token=secrets.token_hex(16), asks=asks, lane=lane, text=text[0], text_ko=text[1],
            remaining_ms=int(wait_s * 1000), request_id=request_id, amount_minor=amount_minor,
            min_digits=digits[0], max_digits=digits[1],
        )  # fmt: skip
        shown = _Shown(prompt, question, self._clock.boottime_ms() + prompt.remaining_ms)
        self._shown[lane].append(shown)
        self._tell(lane)
        try:
            yield prompt
        finally:
            question.close()
            self._shown[lane].remove(shown)
            self._tell(lane)

    def close(self) -> None:
        """Nobody needs to watch any more: answer all who do."""
        for lane in list(self._watchers):
            for watcher in list(self._watchers[lane]):
                self._answer(lane, watcher)

    # Operations

    def _watch(self, request: Request) -> None:
        asked = decode_body(request.body, WatchScreen)
        lane = asked.lane
        if lane not in self._lanes:
            text = f"this store has no lane {lane}; config/store.toml lists them"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text, field="$.lane")
        if asked.wait_s == 0:
            self._watched_ms.pop(lane, None)
            request.reply(self._state(lane))
            return
        if self._now(lane) != asked.seen:
            self._watched_ms[lane] = self._clock.boottime_ms()
            request.reply(self._state(lane))
            return
        watchers = self._watchers[lane]
        if len(watchers) >= WATCHERS_MAX:
            text = f"{WATCHERS_MAX} screens of lane {lane} watch already"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        left_ms = request.deadline_ms - self._clock.boottime_ms() - _ANSWER_EARLY_MS
        wait_s = max(0.0, min(asked.wait_s, left_ms / 1000))
        watcher = _Watcher(request, asked.seen)
        watcher.timer = asyncio.get_running_loop().call_later(wait_s, self._answer, lane, watcher)
        watchers.append(watcher)
        request.on_cancel(lambda: self._left(lane, watcher))

    def _sign(self, _: Request, signed: ScreenSignature) -> Empty:
        shown = self._find(signed.lane, signed.token, ScreenAsk.SIGN)
        return _given(shown, Drawn(signed.strokes, signed.width, signed.height))

    def _number(self, _: Request, keyed: ScreenNumber) -> Empty:
        shown = self._find(keyed.lane, keyed.token, ScreenAsk.NUMBER)
        prompt, digits = shown.prompt, len(keyed.number)
        if digits and not prompt.min_digits <= digits <= prompt.max_digits:
            text = f"the number has {digits} digits; {prompt.min_digits} to {prompt.max_digits} are asked for"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.number")
        return _given(shown, Keyed(keyed.number))

    # How

    def _find(self, lane: str, token: str, asks: ScreenAsk) -> _Shown:
        shown = next((one for one in self._shown.get(lane, ()) if one.prompt.token == token), None)
        if shown is None:
            raise _too_late()
        if shown.prompt.asks is not asks:
            text = f"the customer is asked to {_VERBS[shown.prompt.asks]}, not to {_VERBS[asks]}"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.token")
        return shown

    def _now(self, lane: str) -> str | None:
        shown = self._shown.get(lane)
        return shown[0].prompt.token if shown else None

    def _state(self, lane: str) -> ScreenState:
        shown = self._shown.get(lane)
        if not shown:
            return ScreenState(lane)
        left_ms = max(0, shown[0].until_ms - self._clock.boottime_ms())
        return ScreenState(lane, replace(shown[0].prompt, remaining_ms=left_ms))

    def _tell(self, lane: str) -> None:
        now = self._now(lane)
        for watcher in list(self._watchers.get(lane, ())):
            if watcher.seen != now:
                self._answer(lane, watcher)

    def _answer(self, lane: str, watcher: _Watcher) -> None:
        self._drop(lane, watcher)
        self._watched_ms[lane] = self._clock.boottime_ms()
        watcher.request.reply(self._state(lane))

    def _left(self, lane: str, watcher: _Watcher) -> None:
        """It asked to be let go, or its connection is gone."""
        if watcher not in self._watchers.get(lane, ()):
            return
        if watcher.request.gone:
            self._drop(lane, watcher)
            return
        self._answer(lane, watcher)

    def _drop(self, lane: str, watcher: _Watcher) -> None:
        if watcher.timer is not None:
            watcher.timer.cancel()
        self._watchers[lane].remove(watcher)
        if not self._watchers[lane]:
            del self._watchers[lane]


_VERBS = {ScreenAsk.SIGN: "sign", ScreenAsk.NUMBER: "key a number"}


def _given(shown: _Shown, answer: Answer) -> Empty:
    if not shown.question.give(answer):
        raise _too_late()
    return Empty()


def _too_late() -> CallError:
    return CallError(ErrorCode.TOO_LATE, "this question is over, or has its answer", outcome=Outcome.FAILED)

"""Watches a try while it runs: tells its progress, and ends it when it no longer gets on."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from typing import TypeVar

from tpayd.log_shipper.delivery.pace import Limits, Pace
from tpayd.log_shipper.delivery.types import OnProgress, Progress, Stage

__all__ = ["Watch"]

T = TypeVar("T")

_LOOK_S = 0.1
_TELL_EVERY_S = 0.2
_END_WAIT_S = 5.0


class Watch:
    """Of one try. `moved`, `read` and `heard` may be called from any thread; the rest belongs to the event loop."""

    def __init__(self, size_bytes: int, limits: Limits, on_progress: OnProgress) -> None:
        self._size_bytes = size_bytes
        self._on_progress = on_progress
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(limits, time.monotonic())
        self._stage = Stage.CONNECTING
        self._done_bytes = 0
        self._told_s, self._told_bytes = 0.0, 0
        self._tell()

    @property
    def done_bytes(self) -> int:
        """Of the bundle, on the server as far as is known."""
        return self._done_bytes

    async def over(self, work: Coroutine[object, object, T], abort: Callable[[], None]) -> T:
        """Run `work` to its end, or until it no longer gets on: then `abort` it. Raises DeliveryError, and its own."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=_LOOK_S)
                self._tell_if_due()
                verdict = None if task.done() else self._pace.verdict(time.monotonic())
                if verdict is not None:
                    raise verdict
            return task.result()
        finally:
            if not task.done():
                abort()
                task.cancel()
                await asyncio.wait({task}, timeout=_END_WAIT_S)
            if task.done() and not task.cancelled():
                task.exception()

    def enter(self, stage: Stage, done_bytes: int) -> None:
        """The try has come to `stage`; so many bytes of the bundle are on the server."""
        self._stage, self._done_bytes = stage, done_bytes
        self._pace.expect_bytes(stage in (Stage.SENDING, Stage.VERIFYING), time.monotonic())
        self._tell()

    def moved(self, count: int) -> None:
        """So many more bytes of the bundle are on the server."""
        self._call(self._note_moved, count)

    def read(self, count: int) -> None:
        """So many bytes were read back."""
        self._call(self._note_read, count)

    def heard(self, _count: int) -> None:
        """Something has come."""
        self._call(self._note_read, 0)

    def _note_moved(self, count: int) -> None:
        self._done_bytes = min(self._size_bytes, self._done_bytes + count)
        self._note_read(count)
        self._tell_if_due()

    def _note_read(self, count: int) -> None:
        self._pace.moved(count, time.monotonic())

    def _tell_if_due(self) -> None:
        if self._done_bytes != self._told_bytes and time.monotonic() - self._told_s >= _TELL_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        self._told_s, self._told_bytes = time.monotonic(), self._done_bytes
        self._on_progress(Progress(self._stage, self._done_bytes, self._size_bytes))

    def _call(self, note: Callable[[int], None], count: int) -> None:
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            note(count)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
                self._loop.call_soon_threadsafe(note, count)

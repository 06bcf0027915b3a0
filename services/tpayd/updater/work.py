"""What the updater is doing now: one thing at a time, told to whoever asked, whoever listens, and in the metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from tpayd.kit.bus import CallError, Request
from tpayd.kit.house import House
from tpayd.updater.errors import NoSpaceError, NotNowError, NotOfferedError, UpdateError
from tpayd.updater.refusals import AnotherUnderWayError, NotIdleError
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.updates import UpdateProgress, UpdateStep

__all__ = ["Work", "as_call_error"]

_TELL_EVERY_S = 0.2


class Work:
    """The one thing that is under way."""

    def __init__(self, house: House[UpdaterSettings], changed: Callable[[], None]) -> None:
        """`changed` is called when another step begins, or the last one has ended."""
        self._house = house
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._listeners: set[Request] = set()
        self._told_s = 0.0
        self.now: UpdateProgress | None = None
        self.problem = ""
        """Of the last work that failed; empty after one that did not."""
        metrics = house.metrics
        self._failures = metrics.counter("update_failures", "Updates that failed, by kind of reason", ["reason"])
        step = metrics.gauge("update_step", "1 for the step that the updater is at", ["step"])
        for each in UpdateStep:
            step.labels(each.value).set_function(lambda each=each: float(self.step is each))  # type: ignore[misc]

    @property
    def step(self) -> UpdateStep:
        """IDLE where nothing is under way."""
        return self.now.step if self.now is not None else UpdateStep.IDLE

    @property
    def is_under_way(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self, work: Callable[[], Coroutine[None, None, None]]) -> asyncio.Task[None]:
        """Begin something. It goes on when whoever asked for it has gone. Raises AnotherUnderWayError."""
        if self.is_under_way:
            what = self.now.text if self.now is not None else "another update"
            raise AnotherUnderWayError(f"{what} is under way; see `tpayd update status`")
        self._task = asyncio.get_running_loop().create_task(self._run(work))
        return self._task

    async def serve(self, request: Request, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Begin something for a client, and tell it how far it is. Raises CallError."""
        try:
            task = self.begin(work)
        except UpdateError as error:
            raise as_call_error(error) from error
        self._listeners.add(request)
        try:
            await asyncio.wait([task])
            if task.cancelled():
                text = "the updater ends; what was fetched is kept, so that the next try goes on from there"
                raise CallError(ErrorCode.DRAINING, text, outcome=Outcome.FAILED, retryable=True)
            task.result()
        except UpdateError as error:
            raise as_call_error(error) from error
        finally:
            self._listeners.discard(request)

    def tell(self, progress: UpdateProgress) -> None:
        """How far it is. In the event loop; many in a row are thinned out."""
        another = self.now is None or (self.now.step, self.now.text) != (progress.step, progress.text)
        self.now = progress
        now_s = asyncio.get_running_loop().time()
        if another or now_s - self._told_s >= _TELL_EVERY_S:
            self._told_s = now_s
            for request in self._listeners:
                if request.is_open:
                    request.progress(progress)
        if another:
            self._changed()

    def cancel(self) -> None:
        """End what is under way, soon."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """End what is under way; it is taken up again by who asks again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
            self.problem = ""
        except UpdateError as error:
            self.problem = str(error)
            self._failures.labels(error.code).inc()
            self._house.log.warning("update.failed", reason=error.code, why=str(error))
            raise
        except Exception:
            self.problem = "a fault in the updater; its log has it"
            self._failures.labels("internal").inc()
            self._house.log.exception("update.fault")
            raise
        finally:
            self.now = None
            self._changed()


def as_call_error(error: UpdateError) -> CallError:
    """The same for a client: nothing of the running version was touched."""
    code = ErrorCode.UPDATE_FAILED
    if isinstance(error, (AnotherUnderWayError, NotIdleError)):
        code = ErrorCode.BUSY
    elif isinstance(error, NotNowError):
        code = ErrorCode.UNAVAILABLE
    elif isinstance(error, NotOfferedError):
        code = ErrorCode.NOT_FOUND
    elif isinstance(error, NoSpaceError):
        code = ErrorCode.STORAGE_FAILED
    return CallError(code, str(error), outcome=Outcome.FAILED, retryable=error.retryable, detail=error.code)

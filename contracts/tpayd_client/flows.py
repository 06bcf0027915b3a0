"""What a client does about a payment, as generators that do no I/O themselves.

A flow yields what it wants done (`Ask`, `Pause`, `Begin`, `End`) and is sent the result, or thrown a TpaydError.
`Pos` carries the wishes out one after the other, `AsyncPos` awaits them; what is decided stands here once.

The rules of a payment:

1. Its request id is durable before it is sent.
2. Nothing happened (`not_started`), and waiting helps: the same request is sent again under the same id.
3. It may have happened (`unknown`): ask `payment.status` until there is a verdict. Never send it again.
4. A status query under an id that the daemon never saw buries that id, so a request that is still on its way is
   refused when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Self, TypeVar

from tpayd_client.errors import NotAllowed, NotNow, OutcomeUnknown, TpaydError
from tpayd_client.types import ErrorBody, ErrorCode, Outcome, PaymentProgress, PaymentRef, PaymentResult, Verdict
from tpayd_client.wire import to_wire

__all__ = ["Ask", "Begin", "Course", "End", "Flow", "Pause", "Wish", "ask", "pay", "read", "resolve", "typed"]

T = TypeVar("T")
Body = Mapping[str, Any]

RETRY_FOR_S = 5.0
"""How long a request that could not start is sent again before the caller is told."""
RETRY_EVERY_S = 0.2
"""Where the daemon does not say how long to wait."""
STATUS_TTL_S = 5.0
STATUS_EVERY_S = 0.25
STATUS_EVERY_MAX_S = 1.0
RESOLVE_EXTRA_S = 30.0
"""How long after a payment's own time its outcome is asked for before the caller is told that it is unknown."""

_WORTH_WAITING = frozenset({ErrorCode.HELLO_REQUIRED, ErrorCode.BUSY, ErrorCode.DRAINING, ErrorCode.UNAVAILABLE})


@dataclass(frozen=True)
class Ask:
    """Send a request and wait for its answer."""

    op: str
    body: Body
    ttl_s: float
    key: str | None = None
    on_progress: Callable[[Body], None] | None = None


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Begin:
    """Write the request id down; the result comes when it is durable."""

    lane: str
    request_id: str


@dataclass(frozen=True)
class End:
    """Write down that the request id has its verdict."""

    request_id: str
    verdict: str


Wish = Ask | Pause | Begin | End
Flow = Generator[Wish, Any, T]


class Course(Generic[T]):
    """A flow being carried out: `wish` is what it wants next; None, and it has its `value`."""

    value: T

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.wish: Wish | None = None
        self._go_on(partial(next, flow))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flow.close()

    def give(self, result: object) -> None:
        """The wish was granted."""
        self._go_on(partial(self._flow.send, result))

    def fail(self, error: TpaydError) -> None:
        """The wish could not be granted; raises what the flow makes of it."""
        self._go_on(partial(self._flow.throw, error))

    def _go_on(self, step: Callable[[], Wish]) -> None:
        try:
            self.wish = step()
        except StopIteration as stop:
            self.wish, self.value = None, stop.value


def ask(wish: Ask, clock_s: Callable[[], float]) -> Flow[Body]:
    """One request, sent again while nothing happened and waiting helps; within its own time to live."""
    started_s = clock_s()
    while True:
        left_s = wish.ttl_s - (clock_s() - started_s)
        try:
            reply: Body = yield Ask(wish.op, wish.body, max(0.001, left_s), wish.key, wish.on_progress)
        except TpaydError as error:
            wait_s = RETRY_EVERY_S if error.retry_after_ms is None else error.retry_after_ms / 1000
            if not _worth_waiting(error) or clock_s() - started_s + wait_s > min(RETRY_FOR_S, wish.ttl_s):
                raise
            if error.code is not ErrorCode.HELLO_REQUIRED:
                yield Pause(wait_s)
        else:
            return reply


def read(wish: Ask, shape: Callable[[Body], T], clock_s: Callable[[], float]) -> Flow[T]:
    """A request that changes nothing when it is made twice: also made again when its answer was lost."""
    end_s = clock_s() + wish.ttl_s
    while True:
        try:
            reply = yield from ask(wish, clock_s)
        except OutcomeUnknown as error:
            if _is_last_word(error) or clock_s() + RETRY_EVERY_S >= end_s:
                raise
            yield Pause(RETRY_EVERY_S)
        else:
            return typed(reply, shape)


def pay(
    op: str,
    lane: str,
    request_id: str,
    body: Body,
    *,
    timeout_s: float,
    on_progress: Callable[[PaymentProgress], None] | None,
    clock_s: Callable[[], float],
) -> Flow[PaymentResult]:
    """A payment from its first durable byte to its verdict."""
    resolve_by_s = clock_s() + timeout_s + RESOLVE_EXTRA_S
    show = None if on_progress is None else _shown(on_progress)
    yield Begin(lane, request_id)
    try:
        reply = yield from ask(Ask(op, body, timeout_s, request_id, show), clock_s)
        result = typed(reply, PaymentResult.from_wire)
    except OutcomeUnknown as error:
        return (yield from resolve(lane, request_id, by_s=resolve_by_s, clock_s=clock_s, cause=error))
    except TpaydError as error:
        _name(error, lane, request_id)
        # A conflict says that this id belongs to another payment, of which nothing is known here.
        if error.code is not ErrorCode.KEY_CONFLICT:
            yield End(request_id, error.outcome.value)
        raise
    if result.verdict is Verdict.WAIT:
        return (yield from resolve(lane, request_id, by_s=resolve_by_s, clock_s=clock_s, last=result))
    yield End(request_id, result.verdict.value)
    return result


def resolve(
    lane: str,
    request_id: str,
    *,
    by_s: float,
    clock_s: Callable[[], float],
    cause: TpaydError | None = None,
    last: PaymentResult | None = None,
) -> Flow[PaymentResult]:
    """Ask for a payment's state until it is PAID or NOT_PAID.

    When time is up, WAIT is returned if the daemon said so last; without any answer OutcomeUnknown is raised.
    """
    every_s = STATUS_EVERY_S
    wish = Ask("payment.status", to_wire(PaymentRef(lane, request_id)), STATUS_TTL_S)
    while True:
        if last is not None:
            if last.verdict is not Verdict.WAIT:
                yield End(request_id, last.verdict.value)
                return last
            yield Pause(_next_look_s(last, every_s))
        try:
            reply: Body = yield wish
            last = typed(reply, PaymentResult.from_wire)
        except TpaydError as error:
            cause = cause or error
            if _is_last_word(error):
                raise _unknown(lane, request_id, error) from error
            # Nobody could be asked: whoever comes back has the verdict at once, so this wait does not grow.
            yield Pause(STATUS_EVERY_S)
        else:
            every_s = min(2 * every_s, STATUS_EVERY_MAX_S)
        if clock_s() < by_s or (last is not None and last.verdict is not Verdict.WAIT):
            continue
        if last is not None:
            return last
        raise _unknown(lane, request_id, cause) from cause


def typed(reply: Body, shape: Callable[[Body], T]) -> T:
    """The reply as its type. One that does not fit leaves the outcome unknown."""
    try:
        return shape(reply)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        text = f"the daemon's answer does not fit the contract ({error!r}); update this client"
        raise OutcomeUnknown(ErrorBody(code=ErrorCode.BAD_MESSAGE, message=text, outcome=Outcome.UNKNOWN)) from error


def _is_last_word(error: TpaydError) -> bool:
    """Asking again would bring nothing new: who asks may not, or the daemon says that it will never know."""
    if error.code is ErrorCode.RESTORED:
        return not error.retryable
    return isinstance(error, NotAllowed) and error.code is not ErrorCode.HELLO_REQUIRED


def _worth_waiting(error: TpaydError) -> bool:
    return (
        error.outcome is Outcome.NOT_STARTED
        and error.code in _WORTH_WAITING
        and (isinstance(error, NotNow) or error.code is ErrorCode.HELLO_REQUIRED)
    )


def _next_look_s(result: PaymentResult, every_s: float) -> float:
    if result.known_in_ms is None:
        return every_s
    return min(every_s, max(0.05, result.known_in_ms / 1000))


def _shown(on_progress: Callable[[PaymentProgress], None]) -> Callable[[Body], None]:
    return lambda body: on_progress(PaymentProgress.from_wire(body))


def _name(error: TpaydError, lane: str, request_id: str) -> None:
    error.lane, error.request_id = lane, request_id


def _unknown(lane: str, request_id: str, cause: TpaydError | None) -> OutcomeUnknown:
    why = "" if cause is None else f" ({cause.message})"
    text = f"it is not known whether payment {request_id} happened{why}: resolve it before the customer pays again"
    code = ErrorCode.TIMEOUT if cause is None else cause.code
    return OutcomeUnknown(ErrorBody(code=code, message=text, outcome=Outcome.UNKNOWN), lane=lane, request_id=request_id)

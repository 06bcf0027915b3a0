"""Requests down, progress and answers up, as bytes. The body is decoded once, to check it, and handed on as it came.

The hot path of every sale: callbacks only, no task, nothing kept of a payment but the number to cancel it by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Raw, Struct

from tpayd.gateway.admission import Guest
from tpayd.gateway.door import REST_S, Door
from tpayd.gateway.lanes import LaneUse
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.traceparent import begin
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.operation import Op
from tpayd_contracts.shapes import is_request_id

__all__ = ["Bounds", "Relay"]

T = TypeVar("T")


class Bounds:
    """What may be under way at once, over all connections."""

    def __init__(self, per_client: int, total: int) -> None:
        self.per_client = per_client
        self.total = total
        self.in_flight = 0

    def enter(self, guest: Guest) -> None:
        """Count one more, or raise CallError `busy`."""
        if guest.in_flight >= self.per_client:
            text = f"{guest.in_flight} requests of {guest.name} are under way, which is its limit; wait for an answer"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        if self.in_flight >= self.total:
            text = f"{self.in_flight} requests are under way in this store, which is its limit; try again shortly"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        guest.in_flight += 1
        self.in_flight += 1

    def leave(self, guest: Guest) -> None:
        guest.in_flight -= 1
        self.in_flight -= 1


class Relay:
    """One operation and the service behind it."""

    def __init__(
        self,
        op: Op[Struct, Struct],
        caller: Caller,
        bounds: Bounds,
        lanes: LaneUse | None = None,
        door: Door | None = None,
    ) -> None:
        """`lanes` decides who may order on a lane, `door` whether now; None: nothing is ordered."""
        self._op = op
        self._caller = caller
        self._bounds = bounds
        self._lanes = lanes
        self._door = door
        self._has_lane = "lane" in op.request.__struct_fields__

    def serve(self, request: Request) -> None:
        """Check a request and hand it on. Raises CallError; nothing was sent then."""
        op = self._op
        guest: Guest = request.session.admitted.info
        key = _checked_key(request.key, needed=op.needs_key)
        door = self._door
        if door is not None and key is not None:
            try:
                door.check(key)
            except CallError:
                request.server.rest(REST_S)
                raise
        body = decode_body(request.body, op.request)
        if self._has_lane:
            _check_lane(guest, body.lane)  # type: ignore[attr-defined]
            if self._lanes is not None:
                self._lanes.take(guest, body.lane)  # type: ignore[attr-defined]
        bounds, caller = self._bounds, self._caller
        bounds.enter(guest)
        handed_on = _HandedOn(request, guest, bounds, caller, door)
        if op.needs_key or request.trace is not None:
            request.parent = request.trace
            request.trace = begin(request.parent)
        crashpoints.passing("gateway.received")
        try:
            handed_on.number = caller.forward(
                op.name, request.body, deadline_ms=request.deadline_ms, sink=handed_on, key=key, trace=request.trace,
                principal=guest.name,
            )  # fmt: skip
        except CallError:
            bounds.leave(guest)
            raise
        crashpoints.passing("gateway.forwarded")
        request.on_cancel(handed_on.cancel)


class _HandedOn(Struct, eq=False):
    """A request that another service has now, and the way back of its answers."""

    request: Request
    guest: Guest
    bounds: Bounds
    caller: Caller
    door: Door | None
    number: int = 0

    @property
    def progress(self) -> Callable[[Raw], None]:
        return self.request.progress

    def reply(self, body: Raw) -> None:
        if self.door is not None:
            self.door.answered()
        self._answer(self.request.reply, body)

    def error(self, error: CallError) -> None:
        self._answer(self._fail, error)

    def cancel(self) -> None:
        self.caller.cancel(self.number)

    def _answer(self, answer: Callable[[T], None], content: T) -> None:
        crashpoints.passing("gateway.before_reply")
        self.bounds.leave(self.guest)
        answer(content)
        crashpoints.passing("gateway.after_reply")

    def _fail(self, error: CallError) -> None:
        if self.door is None:
            self.request.fail(error)
        else:
            self.door.refused(self.request, error)


def _checked_key(key: str | None, *, needed: bool) -> str | None:
    if key is None:
        if needed:
            text = "this operation needs a request id in the envelope's key: a new UUID, in lower case"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="key")
        return None
    if not is_request_id(key):
        raise CallError.not_started(ErrorCode.INVALID_BODY, "the key must be a UUID in lower case", field="key")
    return key


def _check_lane(guest: Guest, lane: str | None) -> None:
    """A question about all lanes (None) is for a client of all lanes."""
    if lane is None:
        if not guest.client.every_lane:
            text = f"name one of your lanes: {', '.join(guest.client.lanes) or '(none)'}"
            raise CallError.not_started(ErrorCode.LANE_NOT_YOURS, text, field="$.lane")
    elif not guest.client.may_act_for(lane):
        text = f"{guest.name} may act for lane {', '.join(guest.client.lanes) or '(none)'}, not for {lane}"
        raise CallError.not_started(ErrorCode.LANE_NOT_YOURS, text, field="$.lane")

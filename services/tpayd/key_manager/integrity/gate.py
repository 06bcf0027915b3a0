"""Whether a new payment may have its MAC, as far as the installation is concerned.

A restart of the key manager makes payments wait for the first check (some tenths of a second) instead of failing them.
What settles an earlier payment passes whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.integrity import IntegrityState
from tpayd_contracts.keys import EncryptData, GenerateMac, Purpose
from tpayd_contracts.operation import Op

__all__ = ["Gate"]

Q = TypeVar("Q", GenerateMac, EncryptData)
A = TypeVar("A", bound=Struct)

_HELD_MAX = 1_000


class Gate:
    """Open, closed, or not known yet."""

    def __init__(self, log: Log) -> None:
        self.state = IntegrityState.CHECKING
        self.why = ""
        self._log = log
        self._held: list[Callable[[], None]] = []

    def put(self, state: IntegrityState, why: str = "") -> None:
        """A check has ended, or there is none; whoever waits goes on."""
        self.state, self.why = state, why
        held, self._held = self._held, []
        for go_on in held:
            go_on()

    def guarded(self, op: Op[Q, A], answer: Callable[[Request, Q], A]) -> Callable[[Request], None]:
        """A raw handler of `op` that has a new payment wait here, or refuses it."""

        def serve(request: Request) -> None:
            body = decode_body(request.body, op.request)
            if body.purpose is Purpose.NEW_PAYMENT and self.state is not IntegrityState.OK:
                if self.state is IntegrityState.CHECKING and len(self._held) < _HELD_MAX:
                    self._held.append(lambda: self._go_on(serve, request))
                    return
                self._refuse_if_closed()
            request.reply(answer(request, body))

        return serve

    def _go_on(self, serve: Callable[[Request], None], request: Request) -> None:
        """Nobody above catches what a request raises that was put off."""
        if not request.is_open:
            return
        try:
            serve(request)
        except CallError as error:
            request.fail(error)
        except Exception:
            self._log.exception("integrity.held_request_failed", op=request.op, trace=request.trace)
            request.fail(CallError.unknown(ErrorCode.INTERNAL, "a fault in key_manager; its log has it"))

    def _refuse_if_closed(self) -> None:
        if self.state is IntegrityState.CHECKING:
            text = "the installed files are still being checked"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        if self.state is IntegrityState.FAILED:
            text = f"no new payment, the installation is not what was signed: {self.why}; see `tpayd integrity show`"
            raise CallError.not_started(ErrorCode.INTEGRITY_FAILED, text)

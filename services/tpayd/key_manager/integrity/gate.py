"""Whether a new payment may have its MAC, as far as the installation is concerned.

A restart of the key manager makes payments wait for the first check (some tenths of a second) instead of failing them.
What settles an earlier payment passes whatever the state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from tpayd.key_manager.put_off import PutOff
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.integrity import IntegrityState
from tpayd_contracts.keys import EncryptData, ExchangeMaced, FindMacKey, Purpose
from tpayd_contracts.operation import Op

__all__ = ["Gate"]

Q = TypeVar("Q", EncryptData, ExchangeMaced, FindMacKey)
A = TypeVar("A", bound=Struct)

_OK = IntegrityState.OK


class Gate:
    """Open, closed, or not known yet."""

    def __init__(self, log: Log) -> None:
        self.state = IntegrityState.CHECKING
        self.why = ""
        self._put_off = PutOff(log)

    def put(self, state: IntegrityState, why: str = "") -> None:
        """A check has ended, or there is none; whoever waits goes on."""
        self.state, self.why = state, why
        self._put_off.go_on()

    def guarded(self, op: Op[Q, A], serve: Callable[[Request, Q], None]) -> Callable[[Request], None]:
        """A raw handler of `op` that has a new payment wait here, or refuses it; `serve` answers, now or later."""

        def pass_on(request: Request, body: Q) -> None:
            if self.state is not _OK and _is_new(body):
                checking = self.state is IntegrityState.CHECKING
                if checking and self._put_off.put(request, lambda: pass_on(request, body)):
                    return
                self._refuse_if_closed()
            serve(request, body)

        return lambda request: pass_on(request, decode_body(request.body, op.request))

    def _refuse_if_closed(self) -> None:
        if self.state is IntegrityState.CHECKING:
            text = "the installed files are still being checked"
            raise CallError.not_started(ErrorCode.BUSY, text, retryable=True)
        if self.state is IntegrityState.FAILED:
            text = f"no new payment, the installation is not what was signed: {self.why}; see `tpayd integrity show`"
            raise CallError.not_started(ErrorCode.INTEGRITY_FAILED, text)


def _is_new(body: EncryptData | ExchangeMaced | FindMacKey) -> bool:
    return isinstance(body, FindMacKey) or body.purpose is Purpose.NEW_PAYMENT

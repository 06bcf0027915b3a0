"""In line between store and card host: a request is MACed, leaves through the host link, and its answer is checked.

One call of the transaction service is one exchange, which ends in exactly one of these ways:

| end                               | when                                                                          |
|-----------------------------------|-------------------------------------------------------------------------------|
| answer                            | the matching answer came, and its MAC is the host's                           |
| refused here, `not_started`       | no key, no counter, too late: nothing was handed to the host link             |
| refused there, `not_started`      | the host link's own proof that no byte left                                   |
| `invalid_body`, `unknown`         | the answer's MAC is wrong, or it has none: it says nothing                    |
| as the host link says, `unknown`  | no answer in time, a lost line, a lost host link: the host may have booked    |

Nothing is kept and nothing is sent twice: a death of this process leaves an exchange `unknown` to who asked for it. As
many exchanges may be under way as the bus admits requests of one caller; the host link's lines bound them further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Raw, Struct

from tpayd.hosts import HostAdapter, HostFormatError, Unsealed
from tpayd.kit import crashpoints
from tpayd.kit.bus import CallError, Request, Sink
from tpayd.kit.bus.answers import decode_reply
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, Exchange, Exchanged
from tpayd_contracts.keys import ExchangedMaced, ExchangeMaced

__all__ = ["Forwards", "Relay", "Seals", "Sealing"]

_OWN_MARGIN_S = 1.0
"""What is kept of the caller's time, so that our clear word arrives before he gives up."""
_LINK_MARGIN_S = 0.5
"""What the host link gets beyond the host's time, for the same reason."""


class Sealing(Protocol):
    """A request's MAC, and the check of its answer's."""

    ksn: bytes
    mac: bytes

    def answered(self, covered: bytes, mac: bytes) -> bool:
        """Whether the host made this MAC."""


class Seals(Protocol):
    """What is needed of `Macs`."""

    def seal(self, body: ExchangeMaced) -> Sealing:
        """See `Macs.seal`."""


class Forwards(Protocol):
    """What is needed of a bus caller."""

    def forward(self, op: str, body: Raw | Struct, *, deadline_ms: int, sink: Sink, trace: str | None = ...) -> int:
        """Send a request; see `Caller.forward`."""

    def cancel(self, number: int) -> None:
        """Ask the peer to stop it."""


class Relay:
    """See the module."""

    def __init__(
        self,
        *,
        macs: Seals,
        host: Forwards,
        adapter: HostAdapter,
        clock: Clock,
        log: Log,
        verified: Callable[[bytes], None],
        refused: Callable[[Request, ExchangeMaced], None],
    ) -> None:
        """`verified` gets what each right MAC covered; `refused` is told of each wrong one."""
        self._macs = macs
        self._host = host
        self._adapter = adapter
        self._clock = clock
        self._log = log
        self._verified = verified
        self._refused = refused

    def exchange(self, request: Request, body: ExchangeMaced) -> None:
        """Seal, send, check, and answer the request by callback.

        Raises CallError and what `Macs.seal` raises: always before anything was sent.
        """
        if request.cancelled:
            raise CallError.not_started(ErrorCode.ABORTED, "nobody waits for it any more; nothing was sent")
        wait_s = min(body.answer_wait_s, request.remaining_s() - _OWN_MARGIN_S)
        if wait_s <= 0:
            text = "too little time is left for the host's answer; nothing was sent"
            raise CallError.not_started(ErrorCode.EXPIRED, text, retryable=True)
        seal = self._macs.seal(body)
        message = self._adapter.seal(Unsealed(body.head, body.tail), seal.ksn, seal.mac)

        def answered(raw: Raw) -> None:
            crashpoints.passing("relay.answered")
            try:
                request.reply(self._opened(request, body, seal, raw))
            except CallError as error:
                request.fail(error)
            except Exception:
                # The bus would log it, and leave the caller waiting.
                self._log.exception("relay.fault", terminal_id=body.terminal_id, trace=request.trace)
                request.fail(CallError.unknown(ErrorCode.INTERNAL, "a fault in key_manager; its log has it"))

        try:
            number = self._host.forward(
                EXCHANGE.name,
                Exchange(body.profile, message, wait_s),
                deadline_ms=self._clock.boottime_ms() + int((wait_s + _LINK_MARGIN_S) * 1000),
                sink=Sink(answered, lambda error: request.fail(_of_link(error))),
                trace=request.trace,
            )
        except CallError as error:
            raise _of_link(error) from None
        crashpoints.passing("relay.sent")
        request.on_cancel(lambda: self._host.cancel(number))

    def _opened(self, request: Request, body: ExchangeMaced, seal: Sealing, raw: Raw) -> ExchangedMaced:
        exchanged = decode_reply(raw, Exchanged)
        try:
            covered, mac = self._adapter.split_mac(exchanged.message)
            right = seal.answered(covered, mac)
        except HostFormatError:
            covered, right = b"", False
        crashpoints.passing("mac.after_check")
        if not right:
            self._refused(request, body)
            raise CallError.unknown(ErrorCode.INVALID_BODY, "the MAC of the host's answer is wrong")
        self._verified(covered)
        return ExchangedMaced(exchanged.message, seal.ksn, exchanged.host_us)


def _of_link(error: CallError) -> CallError:
    """The host link's word, as ours. That it is not there itself means the same as that its lines are not."""
    if error.outcome is Outcome.NOT_STARTED and error.code in (ErrorCode.UNAVAILABLE, ErrorCode.DRAINING):
        return CallError(
            ErrorCode.HOST_UNAVAILABLE, error.message, outcome=Outcome.NOT_STARTED, retryable=True, detail=error.detail
        )
    return error

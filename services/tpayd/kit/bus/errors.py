"""The bus's one exception: what a handler raises, and what a caller gets."""

from __future__ import annotations

from tpayd_contracts.errors import ErrorBody, ErrorCode, Outcome

__all__ = ["CallError", "EndpointInUseError"]


class CallError(Exception):
    """A request that was refused, failed, or whose outcome is not known.

    Act on `outcome`, not on the code: after `unknown` ask for the state or reverse, never send again.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        outcome: Outcome = Outcome.FAILED,
        retryable: bool = False,
        field: str | None = None,
        detail: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.outcome = outcome
        self.retryable = retryable
        self.field = field
        self.detail = detail
        self.retry_after_ms = retry_after_ms

    @classmethod
    def of(cls, body: ErrorBody) -> CallError:
        """The exception for an ERROR that came off the wire."""
        return cls(
            body.code,
            body.message,
            outcome=body.outcome,
            retryable=body.retryable,
            field=body.field,
            detail=body.detail,
            retry_after_ms=body.retry_after_ms,
        )

    @classmethod
    def not_started(
        cls, code: ErrorCode, message: str, *, retryable: bool = False, field: str | None = None
    ) -> CallError:
        """Nothing has happened; with `retryable`, the same request may be sent again later."""
        return cls(code, message, outcome=Outcome.NOT_STARTED, retryable=retryable, field=field)

    @classmethod
    def unknown(cls, code: ErrorCode, message: str) -> CallError:
        """It may have happened."""
        return cls(code, message, outcome=Outcome.UNKNOWN)

    def body(self) -> ErrorBody:
        """The same, for the wire."""
        return ErrorBody(
            code=self.code,
            message=self.message,
            outcome=self.outcome,
            retryable=self.retryable,
            field=self.field,
            detail=self.detail,
            retry_after_ms=self.retry_after_ms,
        )


class EndpointInUseError(Exception):
    """Another process holds this ipc endpoint. Without the lock, a second bind would silently steal it."""

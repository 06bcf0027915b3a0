"""What can go wrong, by what you should do about it.

    TpaydError
    ├── OutcomeUnknown      it may have happened: ask `resolve(lane, request_id)`, never start the sale anew
    ├── NotNow              nothing happened; the same request may be sent again later
    │   └── ConnectionFailed    no gateway answers at the endpoint
    ├── InvalidRequest      nothing happened; the request is wrong: mend the program
    ├── NotAllowed          nothing happened; this client, lane or version is refused: ask whoever runs the store
    ├── Failed              it ended without effect on money
    └── RequestLogError     the request id could not be written down, so nothing was sent

Every one has `outcome`, and a sentence with a way out. `code` is the daemon's stable error code.
"""

from __future__ import annotations

from tpayd_client.types import ErrorBody, ErrorCode, Outcome

__all__ = [
    "ConnectionFailed",
    "Failed",
    "InvalidRequest",
    "KeyFileError",
    "NotAllowed",
    "NotNow",
    "OutcomeUnknown",
    "RequestLogError",
    "TpaydError",
    "error_from",
]


class TpaydError(Exception):
    """Base of all errors about a request."""

    def __init__(self, body: ErrorBody, *, lane: str | None = None, request_id: str | None = None) -> None:
        super().__init__(f"{body.code.value}: {body.message}")
        self.body = body
        self.lane = lane
        self.request_id = request_id
        """The payment this is about, where it is about one."""

    @property
    def code(self) -> ErrorCode:
        return self.body.code

    @property
    def message(self) -> str:
        return self.body.message

    @property
    def outcome(self) -> Outcome:
        """`not_started`, `failed`, or `unknown`."""
        return self.body.outcome

    @property
    def retryable(self) -> bool:
        """Whether the same request, sent again later, can succeed."""
        return self.body.retryable

    @property
    def field(self) -> str | None:
        """The place of the fault in the request, e.g. `$.amount.vat_minor`."""
        return self.body.field

    @property
    def detail(self) -> str | None:
        """A stable sub-code, such as a reader's result code."""
        return self.body.detail

    @property
    def retry_after_ms(self) -> int | None:
        """How long to wait before the same request is worth sending again; None: the daemon does not say."""
        return self.body.retry_after_ms


class OutcomeUnknown(TpaydError):  # noqa: N818 (it says what is known, which is the point of it)
    """It may have happened. Ask with `resolve(error.lane, error.request_id)` until there is a verdict."""


class NotNow(TpaydError):  # noqa: N818
    """Nothing happened; the daemon is busy, going down, or the lane is taken. The same request may be sent later."""


class ConnectionFailed(NotNow):
    """Nothing was sent: no gateway answered at the endpoint in time."""


class InvalidRequest(TpaydError):  # noqa: N818
    """Nothing happened; the request does not fit the contract. `field` names the place."""


class NotAllowed(TpaydError):  # noqa: N818
    """Nothing happened; the gateway refuses this client, lane, operation or contract version."""


class Failed(TpaydError):  # noqa: N818
    """It ended without effect on money."""


class RequestLogError(TpaydError):
    """The request id could not be made durable, so nothing was sent. Free the disk, or name another file."""


class KeyFileError(ValueError):
    """The client's key file cannot be used; the message says which file and why."""


_BY_CODE: dict[ErrorCode, type[TpaydError]] = {
    ErrorCode.BAD_MESSAGE: InvalidRequest,
    ErrorCode.UNKNOWN_OP: InvalidRequest,
    ErrorCode.INVALID_BODY: InvalidRequest,
    ErrorCode.TOO_LARGE: InvalidRequest,
    ErrorCode.KEY_CONFLICT: InvalidRequest,
    ErrorCode.UNSUPPORTED_VERSION: NotAllowed,
    ErrorCode.HELLO_REQUIRED: NotAllowed,
    ErrorCode.NOT_PERMITTED: NotAllowed,
    ErrorCode.LANE_NOT_YOURS: NotAllowed,
    ErrorCode.TERMINAL_NOT_OPEN: NotAllowed,
    ErrorCode.UNSETTLED: NotNow,
    ErrorCode.BUSY: NotNow,
    ErrorCode.DRAINING: NotNow,
    ErrorCode.EXPIRED: NotNow,
    ErrorCode.UNAVAILABLE: NotNow,
    ErrorCode.LANE_BUSY: NotNow,
    ErrorCode.TIMEOUT: NotNow,
    ErrorCode.PEER_LOST: NotNow,
}


def error_from(body: ErrorBody, *, lane: str | None = None, request_id: str | None = None) -> TpaydError:
    """The exception for an ERROR message. The outcome comes before the code: what may have happened, may have."""
    if body.outcome is Outcome.UNKNOWN:
        kind: type[TpaydError] = OutcomeUnknown
    elif body.outcome is Outcome.NOT_STARTED:
        kind = _BY_CODE.get(body.code, NotNow if body.retryable else Failed)
    elif body.outcome is Outcome.FAILED:
        kind = Failed
    else:
        kind = OutcomeUnknown  # a word that this version does not know promises nothing
    return kind(body, lane=lane, request_id=request_id)

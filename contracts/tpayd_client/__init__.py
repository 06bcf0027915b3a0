"""The POS client of tpayd: `pip install tpayd` on a lane PC brings this, pyzmq and msgpack, and runs on Windows too.

    from tpayd_client import connect

    with connect(key_file="till-1.key") as pos:
        result = pos.sale("1", 12_000, on_progress=lambda step: print(step.text))
        print(result.verdict, result.approval_code)

Where to look: `Pos` and `AsyncPos` (what can be asked), `errors` (what can go wrong, by what to do about it),
`types` (what answers hold), `flows` (how a payment gets its verdict whatever is lost on the way), `protocol` (frames).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tpayd_client.async_pos import AsyncPos
from tpayd_client.errors import (
    ConnectionFailed,
    Failed,
    InvalidRequest,
    KeyFileError,
    NotAllowed,
    NotNow,
    OutcomeUnknown,
    RequestLogError,
    TpaydError,
)
from tpayd_client.plan import CONNECT_TIMEOUT_S, PathLike, plan
from tpayd_client.pos import Pos
from tpayd_client.request_ids import new_request_id
from tpayd_client.request_log import RequestLog, default_request_log
from tpayd_client.starting import Starter
from tpayd_client.types import Amount, PaymentProgress, PaymentResult, Verdict, Welcome

__all__ = [
    "Amount",
    "AsyncPos",
    "ConnectionFailed",
    "Failed",
    "InvalidRequest",
    "KeyFileError",
    "NotAllowed",
    "NotNow",
    "OutcomeUnknown",
    "PaymentProgress",
    "PaymentResult",
    "Pos",
    "RequestLog",
    "RequestLogError",
    "Starter",
    "TpaydError",
    "Verdict",
    "Welcome",
    "connect",
    "connect_async",
    "default_request_log",
    "new_request_id",
]


def connect(
    endpoint: str | None = None,
    client: str | None = None,
    *,
    key_file: PathLike | None = None,
    server_key: str | None = None,
    request_log: PathLike | RequestLog | None = None,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    start_command: Sequence[str] | Starter | None = None,
    traceparent: Callable[[], str | None] | None = None,
) -> Pos:
    """A client that connects with its first call (`Pos.connect` does so at once, and says who one is).

    `key_file` (from `tpayd client add`) holds endpoint, name and keys; on the store's own machine `endpoint` may be
    the gateway's ipc socket instead, and `client` a name that is registered for this user. `server_key` replaces the
    key file's. `request_log` is where request ids are kept, by default a file of this user's.

    `start_command` is run where a request finds the daemon down, before anything of it was sent, e.g. `["tpayd", "up",
    "--wait"]`; it gets a minute (a `Starter` says it more exactly). Whether a store wants that stands in
    `store_status().options.restart_when_down`. Without it such a request fails with ConnectionFailed.

    `traceparent` is asked before each request for the POS's own traceparent (W3C Trace Context), so that the daemon's
    logs and journal can be joined with the POS's; None, and the gateway begins a trace for each payment.

    Raises KeyFileError, RequestLogError, or ValueError for what is missing.
    """
    where = plan(endpoint, client, server_key, key_file)
    return Pos(
        where, request_log=request_log, connect_timeout_s=connect_timeout_s, starter=_starter(start_command),
        traceparent=traceparent,
    )  # fmt: skip


def connect_async(
    endpoint: str | None = None,
    client: str | None = None,
    *,
    key_file: PathLike | None = None,
    server_key: str | None = None,
    request_log: PathLike | RequestLog | None = None,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    start_command: Sequence[str] | Starter | None = None,
    traceparent: Callable[[], str | None] | None = None,
) -> AsyncPos:
    """The same as `connect`, for asyncio; to be used within one event loop."""
    where = plan(endpoint, client, server_key, key_file)
    return AsyncPos(
        where, request_log=request_log, connect_timeout_s=connect_timeout_s, starter=_starter(start_command),
        traceparent=traceparent,
    )  # fmt: skip


def _starter(command: Sequence[str] | Starter | None) -> Starter | None:
    return command if command is None or isinstance(command, Starter) else Starter(command)

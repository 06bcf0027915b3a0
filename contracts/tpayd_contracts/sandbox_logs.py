"""Operations of the sandbox's server for log bundles: what it does wrong on demand. Never part of a live instance."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.shapes import Count

__all__ = [
    "LOGS_SERVER_SET",
    "LOGS_SERVER_STATUS",
    "SANDBOX_LOGS_OPS",
    "LogsBehaviour",
    "LogsFault",
    "LogsServerStatus",
    "SetLogsServer",
]


class LogsFault(enum.StrEnum):
    """What the server does with an upload."""

    NONE = "none"
    REFUSED = "refused"
    """It hangs up on everybody."""
    CUT = "cut"
    """The connection ends once so many bytes have come over it."""
    SILENT = "silent"
    """Once so many bytes have come over a connection, nothing is answered any more."""
    WRONG_SIZE = "wrong_size"
    """It says that files are so many bytes larger than they are."""
    FULL = "full"
    """No file gets larger than so many bytes."""
    READ_ONLY = "read_only"
    """Nothing may be written."""
    WRITE_ONLY = "write_only"
    """Nothing may be read back."""


class LogsBehaviour(Struct, frozen=True, omit_defaults=True):
    fault: LogsFault = LogsFault.NONE
    at_bytes: Count = 0
    times: Count = 0
    """Return to `none` after so many connections were refused or cut; 0: until changed."""


class SetLogsServer(Struct, frozen=True, forbid_unknown_fields=True):
    behaviour: LogsBehaviour


class LogsServerStatus(Struct, frozen=True, omit_defaults=True):
    behaviour: LogsBehaviour
    url: str
    """Where bundles go."""
    host_key: str
    directory: str
    """Where they lie on this machine."""
    connections: Count = 0
    """So far."""
    files: Annotated[tuple[str, ...], Meta(max_length=20)] = ()
    """The newest, by name."""


LOGS_SERVER_SET = Op("sandbox.logs_set", SetLogsServer, LogsServerStatus)
LOGS_SERVER_STATUS = Op("sandbox.logs_status", Empty, LogsServerStatus)
SANDBOX_LOGS_OPS = (LOGS_SERVER_SET, LOGS_SERVER_STATUS)

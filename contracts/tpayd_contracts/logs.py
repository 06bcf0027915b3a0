"""Logs on their way to the vendor [시스템 로그 전송] (T18).

A bundle is a slice of the log files, compressed, encrypted to the vendor's public key and proven free of card data.
Its id is also the idempotency key of the request that made it: the same key again attaches to the same bundle.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.shapes import Count, Name, RequestId, UnixMs

__all__ = [
    "LOGS_SHIP",
    "LOGS_STATUS",
    "TOPIC_LOGS",
    "Bundle",
    "BundleState",
    "LogUse",
    "LogsEvent",
    "LogsStatus",
    "ShipLogs",
    "ShipPriority",
    "ShipProgress",
]

TOPIC_LOGS = "logs.shipped"
"""A bundle has reached a state in which it stays: shipped, stopped or dropped; or a try to deliver it has failed."""

SERVICES_MAX = 32


class ShipPriority(enum.StrEnum):
    """When a bundle is delivered."""

    NOW = "now"
    """At once, before all others."""
    LATER = "later"
    """In the quiet hours that `log_shipper.later_window` names."""


class BundleState(enum.StrEnum):
    """How far a bundle is. `shipped`, `stopped` and `dropped` are ends."""

    ASKED = "asked"
    """The request is on disk; nothing is collected yet."""
    PACKED = "packed"
    """The bundle lies in the outbox and waits for its delivery, or for the next try."""
    SENDING = "sending"
    SHIPPED = "shipped"
    """The server has all of it, under its final name."""
    STOPPED = "stopped"
    """The proof found card data or a key in the logs; nothing has left. `detail` says in which file and line."""
    DROPPED = "dropped"
    """Given up: the outbox was over its quota, or the bundle too old."""


class ShipLogs(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Bundle the logs and deliver them. Answered when the bundle has left, is stopped, or the time is nearly up."""

    priority: ShipPriority = ShipPriority.NOW
    reason: Annotated[str, Meta(max_length=200)] = ""
    """For the vendor, in a few words; it stands in the bundle."""
    since_ms: UnixMs | None = None
    """Only lines from this time on; none: all that is kept."""
    until_ms: UnixMs | None = None
    services: Annotated[tuple[Name, ...], Meta(max_length=SERVICES_MAX)] = ()
    """Only the logs of these processes; none: of all."""
    wait: bool = True
    """False: answered as soon as the request is on disk; `logs.status` tells the rest."""


class Bundle(Struct, frozen=True, omit_defaults=True):
    """One bundle."""

    id: RequestId
    state: BundleState
    priority: ShipPriority
    asked_ms: UnixMs
    by: str = ""
    """The client that asked; `log_shipper` after a crash."""
    reason: str = ""
    name: str = ""
    """Its file's name, on the server as well."""
    size_bytes: Count = 0
    sha256: str = ""
    """Of the file, in lower-case hex."""
    files: Count = 0
    """Log files in it."""
    logs_bytes: Count = 0
    """What they take in it, unpacked."""
    sent_bytes: Count = 0
    tries: Count = 0
    """To deliver it."""
    next_try_ms: UnixMs | None = None
    ended_ms: UnixMs | None = None
    """When it was shipped, stopped or dropped."""
    detail: str = ""
    """What went wrong last, and what to do about it."""


class ShipProgress(Struct, frozen=True, omit_defaults=True):
    """How far it is."""

    state: BundleState
    text: str
    done_bytes: Count = 0
    of_bytes: Count = 0
    """0: not known."""


class LogUse(Struct, frozen=True):
    """The log files of one process, as they are kept on this machine (T22)."""

    service: str
    files: Count
    size_bytes: Count
    oldest_ms: UnixMs
    """When the oldest of them was last written to."""


class LogsStatus(Struct, frozen=True, omit_defaults=True):
    """What waits, what was shipped, and what is kept."""

    destination: str = ""
    """Without user and password; empty: none is set."""
    recipients: Count = 0
    """Public keys that bundles are encrypted to; 0: none can be made."""
    open: tuple[Bundle, ...] = ()
    """Not ended, in the order in which they come."""
    ended: tuple[Bundle, ...] = ()
    """The last ones, newest first."""
    outbox_bytes: Count = 0
    outbox_limit_bytes: Count = 0
    last_success_ms: UnixMs | None = None
    logs: tuple[LogUse, ...] = ()
    problems: tuple[str, ...] = ()
    """What keeps logs from being shipped, each with its way out."""


class LogsEvent(Struct, frozen=True):
    """A bundle has come further."""

    bundle: Bundle


LOGS_SHIP = Op("logs.ship", ShipLogs, Bundle, ShipProgress, Right.POS)
"""With a request id in the envelope's key, sending it again attaches to the same bundle."""
LOGS_STATUS = Op("logs.status", Empty, LogsStatus, right=Right.READ_ONLY)

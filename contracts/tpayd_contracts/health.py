"""Health, answered by every process."""

from __future__ import annotations

import enum

from msgspec import Struct

from tpayd_contracts.operation import Empty, Op, Right

__all__ = ["HEALTH", "Dependency", "Health", "Readiness"]


class Readiness(enum.StrEnum):
    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    """It works, and something that it needs does not; `dependencies` says what."""
    DRAINING = "draining"


class Dependency(Struct, frozen=True, omit_defaults=True):
    name: str
    ok: bool
    detail: str = ""


class Health(Struct, frozen=True, omit_defaults=True):
    service: str
    readiness: Readiness
    version: str
    pid: int
    uptime_s: float
    loop_lag_ms: float
    """The longest recent delay of the event loop."""
    dependencies: tuple[Dependency, ...] = ()
    sandbox: bool = False
    """True where this process works against the sandbox: no real money moves."""
    profile: str | None = None
    """The host profile in force (T1)."""


HEALTH = Op("health.get", Empty, Health, right=Right.READ_ONLY)

"""The pools of readers: how they stand, how fair they are, and readers that are kept from payments by hand."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.device import Device
from tpayd_contracts.operation import Op, Right
from tpayd_contracts.shapes import Count, Lane, Name, UnixMs

__all__ = [
    "DEVICE_MAINTENANCE",
    "POOL_STATUS",
    "TOPIC_POOL",
    "LaneTurns",
    "Maintenance",
    "PoolEvent",
    "PoolFigures",
    "PoolQuery",
    "PoolStanding",
    "PoolStatus",
]

TOPIC_POOL = "pool.state"

Index = Annotated[float, Meta(ge=0, le=1)]
"""Jain's index of fairness over the lanes' shares: 1.0 is perfect; 1/n, one of n lanes gets everything. A lane's share
is the turns that it got, divided by those that it stood in line for: its own, and those that others got of readers
that it waited for. Lanes are compared with those of their own priority; the lowest index is told."""


class PoolQuery(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pool: Name | None = None
    """This pool alone; None: all of them, and the lanes' own readers."""


class PoolStanding(Struct, frozen=True, omit_defaults=True):
    """How many readers of a pool stand how."""

    name: str
    """Empty: the lanes' own readers, all together."""
    label: str
    ready: Count = 0
    leased: Count = 0
    away: Count = 0
    """Absent, starting, or in quarantine."""
    barred: Count = 0
    """Kept from payments, for their key, their self-test or maintenance; they are counted under their state as well."""
    queue: Count = 0
    """Those who wait for one of its readers, some of them for others as well."""


class PoolFigures(Struct, frozen=True, omit_defaults=True):
    """One pool, now and in the window."""

    standing: PoolStanding
    lease_mean_ms: Count | None = None
    """How long one payment has a reader, of late; None before the first."""
    turns: Count = 0
    given_up: Count = 0
    """Wishes that ended without a reader: cancelled, or out of time."""
    wait_median_ms: Count = 0
    wait_p95_ms: Count = 0
    wait_longest_ms: Count = 0
    fairness: Index | None = None
    """Jain's index over the lanes' shares of turns, 1.0 is perfect (docs/devices.md); None where nobody has asked."""
    most_overtaken: Count = 0
    """The most often that one lane got readers that another waited for, during one wait of that lane. Never above 1."""


class LaneTurns(Struct, frozen=True):
    """One lane in the window, over all pools that were asked for."""

    lane: Lane
    turns: Count
    given_up: Count
    passed_by: Count
    """Turns that others got of readers that it waited for."""
    wait_median_ms: Count
    wait_longest_ms: Count


class PoolStatus(Struct, frozen=True, omit_defaults=True):
    """The pools, and the lanes that asked for readers in the window."""

    pools: tuple[PoolFigures, ...]
    lanes: tuple[LaneTurns, ...]
    window_ms: Count
    """Turns and waits are of so long until now, and of the last few thousand turns at most."""
    queue_length: Count
    fairness: Index | None = None
    """Over all pools that were asked for."""
    most_overtaken: Count = 0


class PoolEvent(Struct, frozen=True):
    """Something has changed in the pools; told once a second at most."""

    pools: tuple[PoolStanding, ...]
    at_ms: UnixMs


class Maintenance(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Keep a reader from payments while somebody works on it, or give it back. It survives a restart."""

    device: Name
    on: bool
    reason: Annotated[str, Meta(max_length=120)] = ""
    """Why, for whoever finds it so."""


POOL_STATUS = Op("pool.status", PoolQuery, PoolStatus, right=Right.READ_ONLY)
DEVICE_MAINTENANCE = Op("device.maintenance", Maintenance, Device, right=Right.ADMIN)
"""A reader that is leased finishes its payment first; the answer shows it as it stands."""

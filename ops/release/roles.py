"""Who signs what, and for how long: the policy of a repository. Pure.

root        offline, 2 of 3     which keys count for the roles below
targets     offline             which role signs which paths
releases    whoever releases    releases/*  wheels/*
firmware-X  the vendor X        firmware/X/*   and nothing else, and nobody else these
snapshot    online              which versions of all this belong together
timestamp   online, two days    that this snapshot is the newest
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["FIRMWARE", "ONLINE", "TOP_LEVEL", "Policy", "firmware_role", "policy", "vendor_of"]


@dataclass(frozen=True)
class Policy:
    """Of one role."""

    valid: timedelta
    """From its signature on. Renew it in the last third."""
    paths: tuple[str, ...] = ()
    """What it may sign: TUF's patterns, in which `*` does not reach over a slash."""
    terminating: bool = True
    """Nobody after it is asked for its paths."""


_POLICIES = {
    "root": Policy(timedelta(days=365)),
    "targets": Policy(timedelta(days=365)),
    "snapshot": Policy(timedelta(days=14)),
    "timestamp": Policy(timedelta(days=2)),
    "releases": Policy(timedelta(days=180), ("releases/*", "wheels/*")),
}
FIRMWARE = "firmware-"
"""Begins the name of each firmware vendor's role."""
TOP_LEVEL = ("root", "targets", "snapshot", "timestamp")
ONLINE = ("snapshot", "timestamp")
"""Their key lies where the repository is published; all others are signed elsewhere."""


def policy(role: str) -> Policy:
    """Of any role. Raises ValueError for a name that is none."""
    if role in _POLICIES:
        return _POLICIES[role]
    return Policy(timedelta(days=365), (f"firmware/{vendor_of(role)}/*",))


def firmware_role(vendor: str) -> str:
    """Raises ValueError for a name that no vendor can have."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", vendor) is None:
        raise ValueError(f"a vendor's name has 1 to 32 of a-z, 0-9, - and _, not {vendor[:40]!r}")
    return FIRMWARE + vendor


def vendor_of(role: str) -> str:
    """The other way round. Raises ValueError where it is no vendor's role."""
    vendor = role.removeprefix(FIRMWARE)
    if role != firmware_role(vendor):
        raise ValueError(f"{role[:40]!r} is no role of this repository")
    return vendor

"""Operations of the sandbox's server of releases: what it does wrong on demand. Never part of a live instance."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op
from tpayd_contracts.shapes import Count

__all__ = [
    "SANDBOX_UPDATES_OPS",
    "UPDATES_SET",
    "UPDATES_STATUS",
    "SetUpdatesServer",
    "UpdatesBehaviour",
    "UpdatesFault",
    "UpdatesServerStatus",
]


class UpdatesFault(enum.StrEnum):
    """What the server does with a file that is asked for."""

    NONE = "none"
    MISSING = "missing"
    """It says that there is no such file."""
    REFUSED = "refused"
    """It says that it cannot serve now."""
    SILENT = "silent"
    """It takes the request and says nothing."""
    CUT = "cut"
    """The connection ends in the middle."""
    DRIP = "drip"
    """It sends byte by byte."""
    ENDLESS = "endless"
    """It sends the file, and then never ends."""
    WRONG_SIZE = "wrong_size"
    """It says that the file is larger than it is."""
    FLIPPED = "flipped"
    """One bit comes wrong."""
    NO_RESUME = "no_resume"
    """It always begins at the start of a file."""
    STALE = "stale"
    """It shows the state of the repository that it showed first, whatever was published since."""


class UpdatesBehaviour(Struct, frozen=True, omit_defaults=True):
    fault: UpdatesFault = UpdatesFault.NONE
    only: Annotated[str, Meta(max_length=200, description="which paths: `*` stands for anything")] = "*"
    at_bytes: Count = 0
    """Where `cut` ends and which byte `flipped` changes, counted from the start of the file."""
    bytes_per_s: Annotated[int, Meta(ge=1, le=1_000_000)] = 20
    """Of `drip`."""
    times: Count = 0
    """Return to `none` after so many requests for these paths; 0: until changed."""


class SetUpdatesServer(Struct, frozen=True, forbid_unknown_fields=True):
    behaviour: UpdatesBehaviour


class UpdatesServerStatus(Struct, frozen=True, omit_defaults=True):
    behaviour: UpdatesBehaviour
    url: str
    """Of the repository."""
    directory: str
    """What is served: `metadata/` and `targets/` below it."""
    requests: Count = 0


UPDATES_SET = Op("sandbox.updates_set", SetUpdatesServer, UpdatesServerStatus)
UPDATES_STATUS = Op("sandbox.updates_status", Empty, UpdatesServerStatus)
SANDBOX_UPDATES_OPS = (UPDATES_SET, UPDATES_STATUS)

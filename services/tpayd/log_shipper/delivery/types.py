"""What a delivery says while it runs, and at its end."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tpayd.log_shipper.delivery.settings import DestinationSettings

__all__ = ["Deliver", "OnProgress", "Progress", "Receipt", "Stage", "Verified"]


class Stage(enum.StrEnum):
    """Where a try is."""

    CONNECTING = "connecting"
    LOOKING = "looking"
    """What does the server have of it already?"""
    SENDING = "sending"
    VERIFYING = "verifying"
    FINISHING = "finishing"
    """It gets its name, and its `.sha256` beside it."""


class Verified(enum.StrEnum):
    """How it is known that the server has what was sent."""

    HASH = "hash"
    """It was read back, or the server told its SHA-256."""
    SIZE = "size"
    """By its size alone: the settings say so, or the server lets nobody read. The vendor checks by the `.sha256`."""


@dataclass(frozen=True)
class Progress:
    """Told when it changes, a few times a second at most."""

    stage: Stage
    done_bytes: int
    """Of the bundle, on the server as far as is known; what earlier tries brought is among them."""
    size_bytes: int
    """Of the bundle."""


@dataclass(frozen=True)
class Receipt:
    """The bundle is on the server, under its name."""

    url: str
    """Of the file, without user."""
    sha256: str
    size_bytes: int
    sent_bytes: int
    """By this try; less than the size if an earlier one had brought part of it, 0 if all."""
    started_over: bool
    """What lay on the server was another's or damaged, and was replaced."""
    verified: Verified


OnProgress = Callable[[Progress], None]


class Deliver(Protocol):
    """One try to bring one bundle to one server."""

    async def __call__(
        self, bundle: Path, sha256: str, destination: DestinationSettings, *, home: Path, on_progress: OnProgress
    ) -> Receipt:
        """Upload `bundle` (its name there is its own) whose content has that SHA-256 in hex.

        `home` is the directory of the instance, to which files in the settings are relative. `on_progress` is called in
        the caller's event loop. Cancel the call to stop; what has arrived is gone on with next time.
        Raises DeliveryError, which `after_failure` puts into a waiting time.
        """
        ...

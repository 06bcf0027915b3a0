"""Whom a reader tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tpayd.device_broker.drivers.events import TroubleKind
from tpayd.device_broker.examination import Examination
from tpayd_contracts.device import DeviceState

if TYPE_CHECKING:
    from tpayd.device_broker.reader import Reader

__all__ = ["ReaderOwner"]


class ReaderOwner(Protocol):
    """Whom a reader tells that its standing has changed."""

    def on_clean(self, reader: Reader) -> None:
        """It may serve a new customer."""
        ...

    def on_unclean(self, reader: Reader, state: DeviceState) -> None:
        """It may not: QUARANTINE while it is being brought back, STARTING on a line just opened, ABSENT without one."""
        ...

    def on_trouble(self, reader: Reader, kind: TroubleKind) -> None:
        """Something on the line was not as it should be."""
        ...

    def on_identified(self, reader: Reader) -> None:
        """It said who it is and what it can do."""
        ...

    def on_examined(self, reader: Reader, examination: Examination) -> None:
        """It was started, or tested by hand, and this came of it. Told before what follows from it."""
        ...

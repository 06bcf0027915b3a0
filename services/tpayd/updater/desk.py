"""The operations `update.*`, and what happens by itself."""

from __future__ import annotations

from tpayd.kit.bus import Request, Server
from tpayd.kit.house import House
from tpayd.updater.settings import UpdaterSettings
from tpayd_contracts.operation import Empty
from tpayd_contracts.updates import UPDATE_STATUS, UpdateStatus, UpdateStep

__all__ = ["UpdateDesk"]


class UpdateDesk:
    """What is known of releases, and the one thing that is under way."""

    def __init__(self, house: House[UpdaterSettings]) -> None:
        self._house = house

    def register(self, server: Server) -> None:
        """Answer."""
        server.handle(UPDATE_STATUS, self._status)

    def start(self) -> None:
        """Begin what is done by itself."""

    async def stop(self) -> None:
        """End it."""

    def _status(self, _: Request, __: Empty) -> UpdateStatus:
        return UpdateStatus(step=UpdateStep.IDLE, running=self._house.version)

"""The updater process: releases in, and a daemon that runs the newest of them."""

from __future__ import annotations

from tpayd.kit.house import House
from tpayd.updater.automatic import Automatic
from tpayd.updater.desk import UpdateDesk
from tpayd.updater.firmware.desk import FirmwareDesk
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.source import repository
from tpayd_contracts.health import Dependency, Readiness

__all__ = ["Updater"]


class Updater:
    """The service: one desk for releases."""

    def __init__(self, house: House[UpdaterSettings]) -> None:
        self._house = house
        self._firmware = FirmwareDesk(house, lambda: repository(house.instance, house.settings))
        self._desk = UpdateDesk(house, self._firmware.any_pending)
        self._automatic = Automatic(house, self._desk)

    async def start(self) -> None:
        """Serve, and take up what was under way at the last end."""
        self._desk.register(self._house.server)
        self._automatic.register(self._house.server)
        self._desk.start()
        self._automatic.start()
        self._firmware.start()

    async def drain(self) -> None:
        """Nothing to finish: what is fetched or installed goes on at the next start."""
        self._desk.drain()

    async def stop(self) -> None:
        """End what is under way."""
        self._automatic.stop()
        await self._firmware.stop()
        await self._desk.stop()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        """READY: an update that fails is told by `update.status`, and keeps nobody from selling."""
        return Readiness.READY, ()

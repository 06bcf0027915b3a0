"""The process log_shipper: its operations, its events, and how ready it is."""

from __future__ import annotations

from tpayd.kit.bus import CallError, Request
from tpayd.kit.process import House
from tpayd.log_shipper.settings import LogShipperSettings
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.logs import LOGS_SHIP, LOGS_STATUS, Bundle, LogsStatus, ShipLogs
from tpayd_contracts.operation import Empty

__all__ = ["LogShipper"]


class LogShipper:
    """See the package."""

    def __init__(self, house: House[LogShipperSettings]) -> None:
        self._house = house

    async def start(self) -> None:
        self._house.server.handle(LOGS_SHIP, self._ship)
        self._house.server.handle(LOGS_STATUS, self._status, while_draining=True)

    async def drain(self) -> None: ...

    async def stop(self) -> None: ...

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        return Readiness.READY, ()

    def _ship(self, _request: Request, _body: ShipLogs) -> Bundle:
        text = "log_shipper.recipients is empty: no key of the vendor's to encrypt the logs to; see docs/logs.md"
        raise CallError.not_started(ErrorCode.UNAVAILABLE, text)

    def _status(self, _request: Request, _body: Empty) -> LogsStatus:
        settings = self._house.settings
        return LogsStatus(recipients=len(settings.recipients))

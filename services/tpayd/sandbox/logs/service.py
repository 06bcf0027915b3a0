"""The process sandbox_logs."""

from __future__ import annotations

from tpayd.kit.bus import Request
from tpayd.kit.process import House
from tpayd.kit.settings import SettingsError
from tpayd.sandbox.logs.identity import INCOMING, host_key
from tpayd.sandbox.logs.server import LogsServer
from tpayd.sandbox.logs.settings import SandboxLogsSettings
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox_logs import LOGS_SERVER_SET, LOGS_SERVER_STATUS, LogsServerStatus, SetLogsServer

__all__ = ["SandboxLogs"]

_NOTICE = "SANDBOX: user, password and host key of this server can be read by anybody"
_FILES_TOLD = 20


class SandboxLogs:
    """A vendor's server that keeps log bundles on this machine."""

    def __init__(self, house: House[SandboxLogsSettings]) -> None:
        """Raises SettingsError outside a sandbox."""
        if not house.store.sandbox:
            problem = "is false, and the sandbox's server for logs has no place in a live store"
            raise SettingsError(house.instance.settings_file("store"), "sandbox", problem)
        self._house = house
        self._server: LogsServer | None = None

    async def start(self) -> None:
        house = self._house
        house.server.handle(LOGS_SERVER_SET, self._set)
        house.server.handle(LOGS_SERVER_STATUS, self._status)
        self._server = LogsServer(house.instance.home / house.settings.directory, house.settings.port)
        self._server.start()
        house.log.info("sandbox.listening", address=self._server.url, notice=_NOTICE)

    async def drain(self) -> None:
        """Nothing to finish: whoever uploads goes on later."""

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        return Readiness.READY, (Dependency(name="sandbox", ok=True, detail=_NOTICE),)

    def _set(self, _request: Request, body: SetLogsServer) -> LogsServerStatus:
        server = self._running()
        server.faults.behaviour = body.behaviour
        behaviour = body.behaviour
        self._house.log.info("sandbox.behaviour", mode=behaviour.fault.value, at_bytes=behaviour.at_bytes)
        return self._told(server)

    def _status(self, _request: Request, _body: Empty) -> LogsServerStatus:
        return self._told(self._running())

    def _running(self) -> LogsServer:
        assert self._server is not None  # noqa: S101 - asked for after start only
        return self._server

    @staticmethod
    def _told(server: LogsServer) -> LogsServerStatus:
        incoming = server.directory / INCOMING
        newest = sorted(incoming.iterdir(), key=lambda file: file.stat().st_mtime_ns)[-_FILES_TOLD:]
        return LogsServerStatus(
            behaviour=server.faults.behaviour, url=server.url, host_key=host_key(), directory=str(incoming),
            connections=server.connections, files=tuple(file.name for file in newest),
        )  # fmt: skip

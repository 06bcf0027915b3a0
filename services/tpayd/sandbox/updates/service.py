"""The process sandbox_updates."""

from __future__ import annotations

from tpayd.kit.bus import Request
from tpayd.kit.process import House
from tpayd.kit.settings import SettingsError
from tpayd.sandbox.updates.server import UpdateServer
from tpayd.sandbox.updates.settings import SandboxUpdatesSettings
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox_updates import UPDATES_SET, UPDATES_STATUS, SetUpdatesServer, UpdatesServerStatus

__all__ = ["SandboxUpdates"]

_NOTICE = "SANDBOX: releases are signed with keys that anybody can read"


class SandboxUpdates:
    """A server of releases that can be told to fail."""

    def __init__(self, house: House[SandboxUpdatesSettings]) -> None:
        """Raises SettingsError outside a sandbox."""
        if not house.store.sandbox:
            problem = "is false, and the sandbox's server of releases has no place in a live store"
            raise SettingsError(house.instance.settings_file("store"), "sandbox", problem)
        self._house = house
        self._directory = house.instance.home / house.settings.directory
        self._server: UpdateServer | None = None

    async def start(self) -> None:
        self._house.server.handle(UPDATES_SET, self._set)
        self._house.server.handle(UPDATES_STATUS, self._status)
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._server = UpdateServer(self._directory, self._house.settings.port)
        self._house.log.info("sandbox.listening", address=self._server.url, notice=_NOTICE)

    async def drain(self) -> None:
        """Nothing to finish: whoever fetches goes on later."""

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        return Readiness.READY, (Dependency(name="sandbox", ok=True, detail=_NOTICE),)

    def _set(self, _request: Request, body: SetUpdatesServer) -> UpdatesServerStatus:
        server = self._running()
        server.behaviour = body.behaviour
        self._house.log.info("sandbox.behaviour", mode=body.behaviour.fault.value, only=body.behaviour.only)
        return self._told(server)

    def _status(self, _request: Request, _body: Empty) -> UpdatesServerStatus:
        return self._told(self._running())

    def _running(self) -> UpdateServer:
        assert self._server is not None  # noqa: S101 - asked for after start only
        return self._server

    @staticmethod
    def _told(server: UpdateServer) -> UpdatesServerStatus:
        return UpdatesServerStatus(server.behaviour, server.url, str(server.directory), server.requests)

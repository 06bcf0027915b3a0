"""The process host_link: its operations, its events, and how ready it is."""

from __future__ import annotations

from tpayd.host_link.driver import Route
from tpayd.host_link.meters import Meters
from tpayd.host_link.pool import Pool
from tpayd.host_link.settings import HostLinkSettings, ProfileSettings
from tpayd.host_link.tls import tls_context
from tpayd.hosts import UnknownAdapterError, load
from tpayd.kit.bus import CallError, Request
from tpayd.kit.bus.wire import decode_body
from tpayd.kit.process import House
from tpayd.kit.settings import SettingsError
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.host import EXCHANGE, LINE_STATUS, TOPIC_LINE, Exchange, Line, LineEvent, LineState, LineStatus
from tpayd_contracts.operation import Empty

__all__ = ["HostLink"]


class HostLink:
    """See the package. Only the profile that the store's settings name is connected."""

    def __init__(self, house: House[HostLinkSettings]) -> None:
        """Raises SettingsError."""
        self._house = house
        self._profile = house.store.host_profile
        settings: ProfileSettings = getattr(house.settings.profiles, self._profile)
        file = house.instance.settings_file(house.name)
        try:
            adapter = load(settings.adapter)
        except UnknownAdapterError as error:
            raise SettingsError(file, f"profiles.{self._profile}.adapter", str(error)) from error
        routes = self._routes(settings)
        self._pool = Pool(
            self._profile,
            settings,
            routes,
            adapter,
            clock=house.clock,
            meters=Meters(house.metrics, tuple(route.name for route in routes)),
            log=house.log,
            on_change=self._publish,
        )

    async def start(self) -> None:
        self._house.server.handle_raw(EXCHANGE.name, self._exchange)
        self._house.server.handle(LINE_STATUS, self._status, while_draining=True)
        self._pool.start()

    async def drain(self) -> None:
        await self._pool.drained()

    async def stop(self) -> None:
        await self._pool.stop()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        lines = self._pool.lines
        dependencies = tuple(
            Dependency(name=f"host {line.name}", ok=line.state is LineState.SIGNED_ON, detail=_explain(line))
            for line in lines
        )
        if not dependencies:
            detail = f"profiles.{self._profile}.addresses in config/host_link.toml is empty"
            dependencies = (Dependency(name="host", ok=False, detail=detail),)
        ready = all(dependency.ok for dependency in dependencies)
        return (Readiness.READY if ready else Readiness.DEGRADED), dependencies

    def _exchange(self, request: Request) -> None:
        # Answered by callback: a task for each exchange would cost more than the exchange.
        body = decode_body(request.body, Exchange)
        if body.profile != self._profile:
            raise self._pool.other_profile(body.profile)
        wait_s = min(body.answer_wait_s, request.remaining_s())
        abandon = self._pool.exchange(body.message, wait_s, request.reply, request.fail)

        def cancelled() -> None:
            abandon()
            if request.is_open:
                request.fail(CallError.unknown(ErrorCode.ABORTED, "given up by who asked; the host may have booked"))

        request.on_cancel(cancelled)

    def _status(self, _request: Request, _body: Empty) -> LineStatus:
        return LineStatus(profile=self._profile, lines=self._pool.lines)

    def _publish(self, line: Line) -> None:
        self._house.publisher.publish(TOPIC_LINE, LineEvent(line=line))

    def _routes(self, settings: ProfileSettings) -> tuple[Route, ...]:
        file = self._house.instance.settings_file(self._house.name)
        tls = tls_context(settings.tls, self._house.instance.home, file, f"profiles.{self._profile}.tls")
        addresses = [address for address in settings.addresses for _ in range(settings.lines_per_address)]
        return tuple(
            Route(f"{self._profile}-{number}", address, tls, settings.tls.server_name or None)
            for number, address in enumerate(addresses, start=1)
        )


def _explain(line: Line) -> str:
    return f"{line.address}: {line.detail or line.state}"

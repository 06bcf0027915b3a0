"""The gateway as one process: two edges over one set of clients, bounds and relays."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable

from tpayd.gateway.admission import ClientAdmission, Guest
from tpayd.gateway.clients import ClientRegistry
from tpayd.gateway.door import Door
from tpayd.gateway.errors import RegistryError
from tpayd.gateway.feed import Feed
from tpayd.gateway.lanes import LaneUse
from tpayd.gateway.overview import Overview
from tpayd.gateway.relay import Bounds, Relay
from tpayd.gateway.settings import GatewaySettings
from tpayd.gateway.settings_files import ByFile, StoreOptions
from tpayd.kit.bus import CallError, CurveGate, Server, ServerLimits
from tpayd.kit.bus.curve import curve_server
from tpayd.kit.house import House
from tpayd_contracts.catalogue import PUBLIC_OPS
from tpayd_contracts.device import TOPIC_DEVICE
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.firmware import TOPIC_FIRMWARE
from tpayd_contracts.gateway import EVENTS_SUBSCRIBE, STORE_STATUS
from tpayd_contracts.graph import OF_EVERY_SERVICE, OPERATIONS, SERVICES, service_of
from tpayd_contracts.health import HEALTH, Dependency, Readiness
from tpayd_contracts.host import TOPIC_LINE
from tpayd_contracts.integrity import TOPIC_INTEGRITY
from tpayd_contracts.keys import TOPIC_KEY
from tpayd_contracts.logs import TOPIC_LOGS
from tpayd_contracts.pooling import TOPIC_POOL
from tpayd_contracts.updates import TOPIC_NOTICE, TOPIC_UPDATE

__all__ = ["Gateway"]

ZAP_DOMAIN = "tpayd"
WATCH_EVERY_S = 0.5
DRAIN_LOOK_S = 0.02

_TOPICS = {
    "device_broker": (TOPIC_DEVICE, TOPIC_POOL),
    "host_link": (TOPIC_LINE,),
    "key_manager": (TOPIC_INTEGRITY, TOPIC_KEY),
    "log_shipper": (TOPIC_LOGS,),
    "updater": (TOPIC_UPDATE, TOPIC_NOTICE, TOPIC_FIRMWARE),
}
"""Whose events clients may hear."""
_ANSWERED_HERE = OF_EVERY_SERVICE | frozenset({EVENTS_SUBSCRIBE.name, STORE_STATUS.name})


class Gateway:
    """Serves clients; see the package."""

    def __init__(self, house: House[GatewaySettings]) -> None:
        self._house = house
        self._settings = house.settings
        _limit_memory(self._settings.memory_limit_mib)
        self._registry = ClientRegistry.open(house.instance)
        self._servers: list[Server] = []
        self._admission = ClientAdmission(
            self._registry,
            self._servers,
            sandbox=house.store.sandbox,
            max_in_flight=self._settings.max_in_flight_per_client,
            max_sessions=self._settings.max_sessions_per_client,
            look_again=self._watch_registry,
        )
        self._refused_keys = house.metrics.counter("refused_keys", "Connections refused for their CURVE key")
        sessions = house.metrics.gauge("sessions", "Client sessions open now")
        sessions.set_function(lambda: sum(len(server.sessions) for server in self._servers))
        self._gate: CurveGate | None = None
        self._options = StoreOptions(house.store, house.caller("transaction"), house.store_rules)

    async def start(self) -> None:
        house = self._house
        self._servers.append(self._server(house.instance.public(), None))
        endpoint = self._settings.tcp_endpoint
        if endpoint is not None:
            self._gate = CurveGate(
                ZAP_DOMAIN, self._known_key, context=house.context, log=house.log, refused=self._refused_keys.inc
            )
            self._gate.start()
            prepare = curve_server(self._registry.server_secret(), ZAP_DOMAIN)
            self._servers.append(self._server(endpoint, prepare))
        self._register_handlers()
        house.call_every(WATCH_EVERY_S, self._watch_registry)
        for server in self._servers:
            server.start()
            house.log.info("gateway.listening", endpoint=server.endpoint)

    async def drain(self) -> None:
        for server in self._servers:
            server.draining = True
        while any(server.open_count for server in self._servers):  # noqa: ASYNC110  rarely waited for, never for long
            await asyncio.sleep(DRAIN_LOOK_S)

    async def stop(self) -> None:
        for server in self._servers:
            await server.close()
        if self._gate is not None:
            await self._gate.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        callers = [self._house.caller(name) for name in SERVICES if name != self._house.name]
        dependencies = tuple(
            Dependency(caller.peer, caller.connected, "" if caller.connected else caller.detail) for caller in callers
        )
        ready = all(dependency.ok for dependency in dependencies)
        return Readiness.READY if ready else Readiness.DEGRADED, dependencies

    def _server(self, endpoint: str, prepare: Callable[..., None] | None) -> Server:
        settings, house = self._settings, self._house
        bounds = ServerLimits(
            max_open_per_session=settings.max_in_flight_per_client, max_open_total=settings.max_in_flight,
            max_sessions=settings.max_sessions, default_ttl_ms=settings.default_ttl_ms, max_ttl_ms=settings.max_ttl_ms,
        )  # fmt: skip
        return Server(
            house.name, endpoint, context=house.context, clock=house.clock, log=house.log, admission=self._admission,
            software=house.version, stats=house.metrics.requests, traces=house.traces, bounds=bounds,
            deadline_is_ttl=True, prepare=prepare,
        )  # fmt: skip

    def _register_handlers(self) -> None:
        house = self._house
        bounds = Bounds(self._settings.max_in_flight_per_client, self._settings.max_in_flight)
        feed = Feed(self._servers)
        callers = {name: house.caller(name) for name in (*SERVICES, *OPERATIONS)}
        overview = Overview(callers, self._settings.health_wait_s, lambda: self._options.told)
        lanes = LaneUse(self._servers, lambda: self._options.shared)
        door = Door(house.clock)
        relays = {
            name: Relay(op, house.caller(_behind(name, house.name)), bounds, *((lanes, door) if op.needs_key else ()))
            for name, op in PUBLIC_OPS.items()
            if name not in _ANSWERED_HERE
        }
        for server in self._servers:
            for name, relay in relays.items():
                server.handle_raw(name, relay.serve)
            self._serve_settings(server, bounds)
            server.handle(EVENTS_SUBSCRIBE, feed.subscribe)
            server.handle(STORE_STATUS, overview.status)
        for peer, topics in _TOPICS.items():
            lost = frozenset(topics)
            house.subscribe(peer, topics, feed.event, lambda lost=lost: feed.gap(lost))  # type: ignore[misc]

    def _serve_settings(self, server: Server, bounds: Bounds) -> None:
        house = self._house
        assert house.desk is not None  # noqa: S101  the kit opens it before it starts a service
        for op, own in house.desk.handlers:
            others = [name for name in (*SERVICES, *OPERATIONS) if name != house.name]
            relays = {name: Relay(op, house.caller(name), bounds) for name in others}
            server.handle_raw(op.name, ByFile(op, relays, server.raw(op, own)).serve)

    def _known_key(self, public_key: str) -> str | None:
        """For ZAP. The key itself becomes the connection's User-Id: a name could change hands, a key cannot."""
        if self._registry.name_of_key(public_key) is None:
            # A client that was added a moment ago must not have to wait for the next look at the file.
            self._watch_registry()
        return public_key if self._registry.name_of_key(public_key) is not None else None

    def _watch_registry(self) -> None:
        try:
            if not self._registry.refresh():
                return
        except RegistryError as error:
            # A slip while editing must not lock the store out: what was known before goes on.
            self._house.log.warning("gateway.clients_refused", why=str(error))
            return
        self._house.log.info("gateway.clients_changed", clients=len(self._registry))
        for server in self._servers:
            for session in list(server.sessions.values()):
                guest: Guest = session.admitted.info
                if not self._admission.still_admitted(guest):
                    self._house.log.info("gateway.session_ended", client=guest.name)
                    server.end_session(session, CallError.unknown(ErrorCode.NOT_PERMITTED, _CHANGED))


_CHANGED = "this client was removed or changed; say HELLO again, and ask for the status of what was under way"


def _behind(op: str, gateway: str) -> str:
    service = gateway if op == HEALTH.name else service_of(op)
    if service is None:
        raise LookupError(f"no service answers {op}")
    return service


def _limit_memory(mebibytes: int) -> None:
    """ZeroMQ counts messages, not bytes: without a limit one endless message could take all the machine's memory."""
    if mebibytes:
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 1024 * 1024, most))

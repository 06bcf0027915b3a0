"""The process sandbox_host."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

from tpayd.hosts import Merchant
from tpayd.kit.bus import Request
from tpayd.kit.process import House
from tpayd.kit.settings import SettingsError
from tpayd.kit.store_settings import StoreSettings
from tpayd.sandbox.card_list import TestCard, load_cards
from tpayd.sandbox.host.asked import Send
from tpayd.sandbox.host.cards import IssuedCards, token_of
from tpayd.sandbox.host.desk import Desk, HostTerms
from tpayd.sandbox.host.schema import open_database
from tpayd.sandbox.host.session import Session
from tpayd.sandbox.host.settings import SandboxHostSettings
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox import HOST_LEDGER, HOST_SET, HOST_STATUS, HostStatus, Ledger, LedgerQuery, SetHost

__all__ = ["SandboxHost"]

_ADDRESS = "127.0.0.1"
_REPRESENTATIVE = "모의대표"


class SandboxHost:
    """A card host that moves no money."""

    def __init__(self, house: House[SandboxHostSettings]) -> None:
        """Raises SettingsError outside a sandbox."""
        if not house.store.sandbox:
            problem = "is false, and the sandbox's host with its public keys has no place in a live store"
            raise SettingsError(house.instance.settings_file("store"), "sandbox", problem)
        self._house = house
        self._tls = self._server_tls()
        house.instance.sandbox.mkdir(mode=0o750, exist_ok=True)
        self._database = open_database(house.instance.sandbox / "host.sqlite3")
        cards = _cards_of(house.instance.sandbox / "cards.toml")
        terms = HostTerms(
            merchant=_merchant_of(house.store),
            terminals=frozenset(lane.terminal_id for lane in house.store.lanes),
            pins={token_of(card.pan): card.pin for card in cards if card.pin},
            issued=IssuedCards(card.pan for card in cards if card.pan),
            partial_voids=house.settings.partial_voids,
            late_answer_s=house.settings.late_answer_s,
            time_ahead_s=house.settings.time_ahead_s,
        )
        self._desk = Desk(self._database, house.clock, terms, house.log)
        self._sessions: set[Session] = set()
        self._taken = 0
        """Since the loop turn began."""
        self._server: asyncio.Server | None = None
        self._connections = house.metrics.gauge("connections", "Lines to the sandbox's host")
        self._requests = house.metrics.counter("requests_read", "Messages that came to the sandbox's host")

    async def start(self) -> None:
        server = self._house.server
        server.handle(HOST_SET, self._set)
        server.handle(HOST_STATUS, self._status)
        server.handle(HOST_LEDGER, self._ledger)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_session, _ADDRESS, self._house.settings.port, ssl=self._tls)
        self._house.log.info("sandbox.listening", address=self._address(), notice="SANDBOX: no real money moves here")

    async def drain(self) -> None:
        """Nothing to finish: what was read is booked and answered in its own loop turn."""

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for session in list(self._sessions):
            session.close()
        self._desk.settle()
        self._database.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        sandbox = Dependency(name="sandbox", ok=True, detail="SANDBOX: no real money moves here")
        ledger = Dependency(name="ledger", ok=not self._desk.ledger_failed)
        return (Readiness.READY if ledger.ok else Readiness.DEGRADED), (sandbox, ledger)

    def _set(self, _request: Request, body: SetHost) -> HostStatus:
        self._desk.settle()  # what came before the order is not under it
        self._desk.behaviour = body.behaviour
        behaviour = body.behaviour
        self._house.log.info("sandbox.behaviour", mode=behaviour.mode.value, times=behaviour.times, only=behaviour.only)
        return self._host_status()

    def _status(self, _request: Request, _body: Empty) -> HostStatus:
        return self._host_status()

    def _ledger(self, _request: Request, body: LedgerQuery) -> Ledger:
        self._desk.settle()
        return Ledger(entries=self._desk.ledger.entries(body.after, body.limit))

    def _host_status(self) -> HostStatus:
        ledger = self._desk.ledger
        return HostStatus(
            behaviour=self._desk.behaviour,
            address=self._address(),
            connections=len(self._sessions),
            approvals=ledger.approvals,
            reversals=ledger.reversals,
            opened_terminals=ledger.lookups.opened_terminals(),
        )

    def _address(self) -> str:
        assert self._server is not None  # noqa: S101 - asked for after start only
        return "{}:{}".format(*self._server.sockets[0].getsockname()[:2])

    # Connections

    def _new_session(self) -> Session:
        return Session(self._take, self._begin, self._end, self._house.log)

    def _begin(self, session: Session) -> bool:
        if len(self._sessions) >= self._house.settings.connections_max:
            self._house.log.warning("sandbox.too_many_connections", most=self._house.settings.connections_max)
            return False
        self._sessions.add(session)
        self._connections.set(len(self._sessions))
        return True

    def _end(self, session: Session) -> None:
        self._sessions.discard(session)
        self._connections.set(len(self._sessions))

    def _take(self, raw: bytes, send: Send) -> None:
        self._desk.take(raw, send)
        self._taken += 1
        if self._taken == 1:
            # One commit for all that this loop turn has read.
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._requests.inc(self._taken)
        self._taken = 0
        self._desk.settle()

    def _server_tls(self) -> ssl.SSLContext | None:
        tls, home = self._house.settings.tls, self._house.instance.home
        if not tls.certificate:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(home / tls.certificate, home / tls.key if tls.key else None)
            if tls.client_ca_file:
                context.load_verify_locations(home / tls.client_ca_file)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as error:
            file = self._house.instance.settings_file(self._house.name)
            raise SettingsError(file, "tls", f"cannot be used: {error}") from error
        return context


def _cards_of(card_list: Path) -> tuple[TestCard, ...]:
    """The sandbox's list; none where there is no list. Raises SettingsError for one that is none."""
    return tuple(load_cards(card_list).values()) if card_list.exists() else ()


def _merchant_of(store: StoreSettings) -> Merchant:
    """The store's own merchant, as this host tells it: a merchant download shows what store.toml says."""
    merchant = store.merchant
    return Merchant(
        merchant_id=merchant.id, business_number=merchant.business_number, name=merchant.name,
        representative=_REPRESENTATIVE, address=merchant.address, tel=merchant.tel,
    )  # fmt: skip

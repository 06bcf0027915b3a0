"""The process: operations in, keys and MACs behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, ParamSpec, TypeVar

from tpayd import hosts
from tpayd.key_manager.errors import NotReservedError, NoUsableKeyError, StoreError
from tpayd.key_manager.exchange import Tell
from tpayd.key_manager.exchange_desk import ExchangeDesk
from tpayd.key_manager.gauges import KeyGauges
from tpayd.key_manager.host_times import HostTimes
from tpayd.key_manager.integrity.desk import IntegrityDesk
from tpayd.key_manager.key_work import KeyWork
from tpayd.key_manager.open_keys import OpenKeys
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.put_off import PutOff
from tpayd.key_manager.relay import Relay
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore
from tpayd.key_manager.transport import transport_keys
from tpayd.kit.bus import CallError, Request
from tpayd.kit.house import House
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.health import Dependency, Readiness
from tpayd_contracts.keys import (
    DATA_ENCRYPT,
    KEY_EXCHANGE_READER,
    KEY_EXCHANGE_TERMINAL,
    KEY_LIST,
    MAC_EXCHANGE,
    MAC_KEY,
    TIME_SIGNED,
    EncryptData,
    ExchangeMaced,
    ExchangeProgress,
    ExchangeReader,
    ExchangeTerminal,
    FindMacKey,
    FoundMacKey,
    KeyInfo,
    KeyList,
    KeysQuery,
    SignedTime,
)
from tpayd_contracts.operation import Empty

__all__ = ["KeyManager"]

_TELLS_TIME = "updater"

P = ParamSpec("P")
Q = TypeVar("Q", EncryptData, ExchangeMaced)
A = TypeVar("A")


class KeyManager:
    """The service."""

    def __init__(self, house: House[KeyManagerSettings]) -> None:
        self._house = house
        self._gauges = KeyGauges(house.metrics)
        self._integrity = IntegrityDesk(house)
        # One thread: writes of the store run one after the other anyway.
        self._disk = ThreadPoolExecutor(1, "key-store")
        self._uncounted = PutOff(house.log)
        self._store: KeyStore | None = None
        self._open: OpenKeys | None = None
        self._work: KeyWork | None = None
        self._relay: Relay | None = None

    async def start(self) -> None:
        """Serve at once (`unavailable` until the store is open), open the store, finish what a crash interrupted.

        Raises SecretFileError, PassphraseError, StoreError, UnknownAdapterError.
        """
        self._serve()
        # Beside the opening of the store, which takes as long.
        self._integrity.start()
        instance, settings = self._house.instance, self._house.settings
        provider = provider_of(instance, settings)
        transport = transport_keys(self._house.store, instance.secrets / settings.transport_keys_file)
        adapter = hosts.load(settings.host_adapter)
        in_thread = asyncio.get_running_loop().run_in_executor
        store = await in_thread(self._disk, KeyStore.open, store_file(instance.data), provider)
        self._store = store
        loaded = await in_thread(self._disk, store.load)
        host_times = HostTimes(adapter, self._house.clock)
        keys = OpenKeys(self._house, store, loaded, self._disk, self._gauges, host_times, self._reserved)
        await keys.begin()
        keys.show()
        self._work = KeyWork(self._house, keys, adapter, transport, self._gauges)
        self._relay = Relay(
            macs=keys.macs, host=self._house.caller("host_link"), adapter=adapter, clock=self._house.clock,
            log=self._house.log, verified=keys.host_times.verified, refused=self._bad_mac,
        )  # fmt: skip
        self._open = keys
        self._work.start()

    async def drain(self) -> None:
        """Keep the time. Exchanges under way end by their own limits; the kit waits for open requests."""
        if self._open is not None:
            await self._open.keep_time()

    async def stop(self) -> None:
        """Close the store."""
        self._integrity.stop()
        if self._work is not None:
            self._work.stop()
        self._disk.shutdown(wait=True, cancel_futures=True)
        if self._store is not None:
            self._store.close()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        """DEGRADED without a valid key for each lane's terminal, a whole store, a host link, or integrity."""
        if self._open is None:
            return Readiness.DEGRADED, (self._integrity.dependency(),)
        host = self._house.caller("host_link")
        link = Dependency(host.peer, host.connected, host.detail)
        dependencies = (*self._open.dependencies(), link, self._integrity.dependency())
        ok = all(dependency.ok for dependency in dependencies)
        return Readiness.READY if ok else Readiness.DEGRADED, dependencies

    def _serve(self) -> None:
        server = self._house.server
        # What is under way in other services while the house goes down still needs its MACs.
        guarded = self._integrity.gate.guarded
        server.handle_raw(MAC_EXCHANGE.name, guarded(MAC_EXCHANGE, self._counted(self._exchange)), while_draining=True)
        server.handle_raw(MAC_KEY.name, guarded(MAC_KEY, self._key_of), while_draining=True)
        server.handle_raw(DATA_ENCRYPT.name, guarded(DATA_ENCRYPT, self._counted(self._encrypt)), while_draining=True)
        server.handle(KEY_LIST, self._list)
        server.handle(TIME_SIGNED, self._time_signed)
        server.handle(KEY_EXCHANGE_TERMINAL, self._exchange_terminal)
        server.handle(KEY_EXCHANGE_READER, self._exchange_reader)

    def _exchange(self, request: Request, body: ExchangeMaced) -> None:
        relay = self._relay or _not_open()
        self._with_key(relay.exchange, request, body)

    def _key_of(self, request: Request, body: FindMacKey) -> None:
        request.reply(FoundMacKey(self._with_key(self._opened().macs.key_of, body)))

    def _encrypt(self, request: Request, body: EncryptData) -> None:
        request.reply(self._with_key(self._opened().macs.encrypt, body))

    def _counted(self, serve: Callable[[Request, Q], None]) -> Callable[[Request, Q], None]:
        """`serve`; what it asks waits for counters where the key has none in hand: the message does, not the loop."""

        def pass_on(request: Request, body: Q) -> None:
            try:
                serve(request, body)
            except NotReservedError:
                self._gauges.reserve_waits.inc()
                if not self._uncounted.put(request, lambda: pass_on(request, body)):
                    text = "too many messages wait for the disk"
                    raise CallError.not_started(ErrorCode.BUSY, text, retryable=True) from None

        return pass_on

    def _reserved(self, problem: StoreError | None) -> None:
        if problem is None:
            self._uncounted.go_on()
        else:
            self._uncounted.refuse(CallError.not_started(ErrorCode.STORAGE_FAILED, str(problem), retryable=True))

    def _with_key(self, make: Callable[P, A], *asked: P.args, **more: P.kwargs) -> A:
        try:
            return make(*asked, **more)
        except NoUsableKeyError as error:
            raise self._refusal(error) from error

    def _bad_mac(self, request: Request, body: ExchangeMaced) -> None:
        self._gauges.bad_macs.inc()
        self._house.log.warning("mac.bad", terminal_id=body.terminal_id, key_id=body.key_id, trace=request.trace)

    def _time_signed(self, request: Request, body: SignedTime) -> Empty:
        if request.caller != _TELLS_TIME:
            text = f"only {_TELLS_TIME} has checked the signatures of metadata"
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, text)
        self._opened().metadata_said(body.signed_ms)
        return Empty()

    def _list(self, _: Request, body: KeysQuery) -> KeyList:
        return self._desk().list(body.after)

    async def _exchange_terminal(self, request: Request, body: ExchangeTerminal) -> KeyInfo:
        return await self._desk().terminal(body.terminal_id, _teller(request), request.trace)

    async def _exchange_reader(self, request: Request, body: ExchangeReader) -> KeyInfo:
        return await self._desk().reader(body.device, _teller(request), request.trace)

    def _desk(self) -> ExchangeDesk:
        return self._work.desk if self._work is not None else _not_open()

    def _refusal(self, error: NoUsableKeyError) -> CallError:
        self._gauges.refused.labels(error.reason).inc()
        return CallError(ErrorCode.KEY_UNAVAILABLE, error.text, outcome=Outcome.NOT_STARTED, detail=error.reason)

    def _opened(self) -> OpenKeys:
        return self._open or _not_open()


def _not_open() -> NoReturn:
    raise CallError.not_started(ErrorCode.UNAVAILABLE, "the key store is not open yet", retryable=True)


def _teller(request: Request) -> Tell:
    def tell(step: str, text: str) -> None:
        request.progress(ExchangeProgress(step, text))

    return tell

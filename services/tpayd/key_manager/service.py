"""The process: operations in, keys and MACs behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar

from tpayd import hosts
from tpayd.key_manager.errors import NoUsableKeyError, StoreError
from tpayd.key_manager.exchange import Tell
from tpayd.key_manager.exchange_desk import ExchangeDesk
from tpayd.key_manager.gauges import KeyGauges
from tpayd.key_manager.host_times import HostTimes
from tpayd.key_manager.integrity.desk import IntegrityDesk
from tpayd.key_manager.key_work import KeyWork
from tpayd.key_manager.open_keys import OpenKeys
from tpayd.key_manager.places import provider_of, store_file
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
    MAC_GENERATE,
    MAC_VERIFY,
    TIME_SIGNED,
    EncryptData,
    EncryptedData,
    ExchangeProgress,
    ExchangeReader,
    ExchangeTerminal,
    GeneratedMac,
    GenerateMac,
    KeyInfo,
    KeyList,
    SignedTime,
    VerifiedMac,
    VerifyMac,
)
from tpayd_contracts.operation import Empty

__all__ = ["KeyManager"]

_TELLS_TIME = "updater"

Q = TypeVar("Q")
A = TypeVar("A")


class KeyManager:
    """The service."""

    def __init__(self, house: House[KeyManagerSettings]) -> None:
        self._house = house
        self._gauges = KeyGauges(house.metrics)
        self._integrity = IntegrityDesk(house)
        # One thread: writes of the store run one after the other anyway.
        self._disk = ThreadPoolExecutor(1, "key-store")
        self._store: KeyStore | None = None
        self._open: OpenKeys | None = None
        self._work: KeyWork | None = None

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
        keys = OpenKeys(self._house, store, loaded, self._disk, self._gauges, HostTimes(adapter, self._house.clock))
        await keys.begin()
        keys.show()
        self._work = KeyWork(self._house, keys, adapter, transport, self._gauges)
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
        """DEGRADED while a lane's terminal has no valid key, the store is not whole, or the installation is not."""
        if self._open is None:
            return Readiness.DEGRADED, (self._integrity.dependency(),)
        dependencies = (*self._open.dependencies(), self._integrity.dependency())
        ok = all(dependency.ok for dependency in dependencies)
        return Readiness.READY if ok else Readiness.DEGRADED, dependencies

    def _serve(self) -> None:
        server = self._house.server
        # What is under way in other services while the house goes down still needs its MACs.
        guarded = self._integrity.gate.guarded
        server.handle_raw(MAC_GENERATE.name, guarded(MAC_GENERATE, self._generate), while_draining=True)
        server.handle(MAC_VERIFY, self._verify, while_draining=True)
        server.handle_raw(DATA_ENCRYPT.name, guarded(DATA_ENCRYPT, self._encrypt), while_draining=True)
        server.handle(KEY_LIST, self._list)
        server.handle(TIME_SIGNED, self._time_signed)
        server.handle(KEY_EXCHANGE_TERMINAL, self._exchange_terminal)
        server.handle(KEY_EXCHANGE_READER, self._exchange_reader)

    def _generate(self, _: Request, body: GenerateMac) -> GeneratedMac:
        return self._with_key(self._opened().macs.generate, body)

    def _encrypt(self, _: Request, body: EncryptData) -> EncryptedData:
        return self._with_key(self._opened().macs.encrypt, body)

    def _with_key(self, make: Callable[[Q], A], body: Q) -> A:
        try:
            return make(body)
        except NoUsableKeyError as error:
            raise self._refusal(error) from error
        except StoreError as error:
            raise CallError.not_started(ErrorCode.STORAGE_FAILED, str(error), retryable=True) from error

    def _verify(self, request: Request, body: VerifyMac) -> VerifiedMac:
        opened = self._opened()
        try:
            verdict = opened.macs.verify(body)
        except NoUsableKeyError as error:
            raise self._refusal(error) from error
        if not verdict.valid:
            self._gauges.bad_macs.inc()
            self._house.log.warning("mac.bad", terminal_id=body.terminal_id, key_id=body.key_id, trace=request.trace)
        else:
            opened.host_times.verified(body.data)
        return verdict

    def _time_signed(self, request: Request, body: SignedTime) -> Empty:
        if request.caller != _TELLS_TIME:
            text = f"only {_TELLS_TIME} has checked the signatures of metadata"
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, text)
        self._opened().metadata_said(body.signed_ms)
        return Empty()

    def _list(self, _: Request, __: Empty) -> KeyList:
        return self._desk().list()

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

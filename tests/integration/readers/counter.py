"""The device broker as the transaction service uses it, and the readers before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
import zmq
from msgspec import Struct

from tests.harness import Store
from tests.harness.waiting import eventually
from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, split_ksn
from tpayd.crypto.exchange import Role, accept, answer
from tpayd.crypto.pin import decrypt_pin_block
from tpayd.crypto.track import decrypt_track
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import SystemClock
from tpayd.sandbox.secrets import BDK, sandbox_transport_key
from tpayd_contracts.device import (
    CARD_COMPLETE,
    CARD_READ,
    DEVICE_LIST,
    KEY_INJECT,
    KEY_PREPARE,
    LEASE_ACQUIRE,
    LEASE_RELEASE,
    LEASE_RENEW,
    Ability,
    AcquireLease,
    CompleteCard,
    CompletedCard,
    Device,
    DevicesQuery,
    DeviceState,
    InjectedKey,
    InjectKey,
    Lease,
    LeaseRef,
    PrepareKey,
    ReadCard,
    ReadCardResult,
    ReleaseLeases,
    RenewLeases,
    TransactionType,
)  # fmt: skip
from tpayd_contracts.pad import (
    CODE_READ,
    NUMBER_ENTER,
    PIN_ENTER,
    SIGN,
    EnteredNumber,
    EnteredPin,
    EnterNumber,
    EnterPin,
    ReadCode,
    ReadCodeResult,
    Sign,
    Signed,
)
from tpayd_contracts.taking import CARD_TAKE, TakeCard, TakenCard

_IKID_OF = b"TEST"


def now14() -> str:
    return datetime.now().strftime("%Y%m%d%H%M%S")  # noqa: DTZ005  readers know local time only


def device(store: Store, name: str) -> Device:
    """A reader as the broker sees it now."""
    listed = store.ask("device_broker", DEVICE_LIST, DevicesQuery(), name="gateway")
    return next(device for device in listed.devices if device.name == name)


def wait_for(store: Store, name: str, state: DeviceState = DeviceState.READY, timeout_s: float = 15.0) -> None:
    """Until a reader stands so; a broker that is just starting is waited for as well."""

    def stands() -> bool:
        return store.health("device_broker") is not None and device(store, name).state is state

    eventually(stands, timeout_s=timeout_s, what=f"{name} {state}")


def load_key(store: Store, name: str, number: int = 1) -> InjectedKey:
    """Bring a key into a reader, with this test as key manager and host."""
    prepared = store.ask("device_broker", KEY_PREPARE, PrepareKey(name), name="key_manager")
    transport = sandbox_transport_key(Role.READER, prepared.reader_id)
    accepted = accept(Role.READER, prepared.blob, transport, last_sequence=0, expected_owner=prepared.reader_id)
    ikid = _IKID_OF + number.to_bytes(4, "big")
    half = answer(accepted, transport, ikid, derive_initial_key(BDK[Role.READER], ikid))
    return store.ask("device_broker", KEY_INJECT, InjectKey(name, now14(), half), name="key_manager")


def track_of(card: ReadCardResult) -> str:
    """What the host would find in it."""
    return decrypt_track(_key(card.ksn, Usage.DATA_ENCRYPTION), card.cipher)


def pin_of(ksn: bytes, block: bytes, pan: str) -> str:
    """The PIN that the host would find."""
    return decrypt_pin_block(_key(ksn, Usage.PIN_ENCRYPTION), block, pan)


def _key(ksn: bytes, usage: Usage) -> bytes:
    ikid, counter = split_ksn(ksn)
    return Derivation(derive_initial_key(BDK[Role.READER], ikid), ikid).working_key(counter, usage)


def ref(lease: Lease) -> LeaseRef:
    return LeaseRef(lease.lease_id, lease.fence)


@dataclass
class Counter:
    """One caller of the broker, with all progress that it was told."""

    caller: Caller
    told: list[Struct] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def acquire(
        self, lane: str = "1", *, avoid: tuple[str, ...] = (), ttl_s: float = 20.0,
        abilities: tuple[Ability, ...] = (Ability.IC,),
    ) -> Lease:  # fmt: skip
        wish = AcquireLease(lane, "payment", abilities, avoid)
        return await self.caller.call(LEASE_ACQUIRE, wish, ttl_s=ttl_s, on_progress=self._hear)

    async def read(
        self, lease: Lease, *, wait_s: float = 10.0, ttl_s: float = 30.0,
        type_: TransactionType = TransactionType.CREDIT, choose: bool = False,
    ) -> ReadCardResult:  # fmt: skip
        body = ReadCard(type_, 1_000, now14(), wait_s, choose, lease=ref(lease))
        return await self.caller.call(CARD_READ, body, ttl_s=ttl_s, on_progress=self._hear)

    async def take(
        self, lane: str = "1", *, avoid: tuple[str, ...] = (), reader_wait_s: float = 20.0, wait_s: float = 10.0,
        ttl_s: float = 40.0, type_: TransactionType = TransactionType.CREDIT,
    ) -> TakenCard:  # fmt: skip
        wish = AcquireLease(lane, "payment", avoid=avoid)
        body = TakeCard(type_, 1_000, now14(), wait_s, wish=wish, reader_wait_s=reader_wait_s)
        return await self.caller.call(CARD_TAKE, body, ttl_s=ttl_s, on_progress=self._hear)

    async def sign(self, lease: Lease, *lines: str, wait_s: float = 10.0) -> Signed:
        body = Sign(ref(lease), 55_000, lines, wait_s)
        return await self.caller.call(SIGN, body, ttl_s=30, on_progress=self._hear)

    async def code(self, lease: Lease, *, wait_s: float = 10.0, or_card: bool = False) -> ReadCodeResult:
        body = ReadCode(ref(lease), wait_s, or_card)
        return await self.caller.call(CODE_READ, body, ttl_s=30, on_progress=self._hear)

    async def number(self, lease: Lease, *, wait_s: float = 10.0, digits: tuple[int, int] = (10, 11)) -> EnteredNumber:
        body = EnterNumber(ref(lease), ("Phone number",), *digits, wait_s)
        return await self.caller.call(NUMBER_ENTER, body, ttl_s=30, on_progress=self._hear)

    async def pin(self, lease: Lease, *, wait_s: float = 10.0) -> EnteredPin:
        return await self.caller.call(PIN_ENTER, EnterPin(ref(lease), wait_s=wait_s), ttl_s=30, on_progress=self._hear)

    async def complete(self, lease: Lease, *, approved: bool = True) -> CompletedCard:
        body = CompleteCard(ref(lease), approved, "00" if approved else "51", b"12345678", at=now14())
        return await self.caller.call(CARD_COMPLETE, body, ttl_s=15)

    async def renew(self, lease: Lease) -> tuple[LeaseRef, ...]:
        return (await self.caller.call(LEASE_RENEW, RenewLeases((ref(lease),)))).lost

    async def release(self, lease: Lease) -> None:
        await self.caller.call(LEASE_RELEASE, ReleaseLeases((ref(lease),)))

    async def hear(self, what: type[Struct], timeout_s: float = 10.0) -> Struct:
        """Wait for progress of that kind, and take it."""
        async with asyncio.timeout(timeout_s):
            while not (found := [body for body in self.told if isinstance(body, what)]):
                self._news.clear()
                await self._news.wait()
        self.told.remove(found[0])
        return found[0]

    def _hear(self, body: Struct) -> None:
        self.told.append(body)
        self._news.set()


@asynccontextmanager
async def counter_of(store: Store) -> AsyncIterator[Counter]:
    """A connected caller."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    caller = Caller(
        "transaction", "device_broker", store.instance.rpc("device_broker"), context=context, clock=SystemClock(),
        log=structlog.get_logger(), software="test", incarnation="1",
    )  # fmt: skip
    caller.start()
    try:
        async with asyncio.timeout(10):
            while not caller.connected:  # noqa: ASYNC110  nothing announces it
                await asyncio.sleep(0.01)
        yield Counter(caller)
    finally:
        await caller.close()
        context.destroy(linger=0)


async def error_of(call: object) -> CallError:
    """The error that a call ends with."""
    try:
        result = await call  # type: ignore[misc]
    except CallError as error:
        return error
    raise AssertionError(f"no error, but {type(result).__name__}")

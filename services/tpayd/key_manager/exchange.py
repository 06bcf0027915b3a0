"""How keys come from the host: into this store for a terminal, into a reader for its card data.

    terminal   ask ──► host answers ──► STAGED ──► check values agree ──► CONFIRMED ──► ACTIVE
    reader     reader's half ──► host answers ──► STAGED ──► reader takes it ──► CONFIRMED ──► ACTIVE
                                                     └─► reader says nothing: in doubt, it is asked (`reader_standing`)

A reader's key passes through sealed: only reader and host can open it (`tpayd.crypto.exchange`), we keep its identity,
check value and dates. Whatever fails, the key before stays active, and the exchange may be begun again: no money moves
here, so an error's outcome is always `failed` or `not_started`. A reader that was given a key and said nothing may hold
either: both are kept until its check value tells which.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from msgspec import Struct

from tpayd.crypto.check_value import CHECK_VALUE_DIGITS, same_check_value
from tpayd.crypto.dukpt import IKID_BYTES
from tpayd.crypto.errors import CryptoError
from tpayd.crypto.exchange import ANSWER_BYTES, OWNER_CHARS, REQUEST_BYTES, Role, begin, finish
from tpayd.hosts import HostAdapter, HostFormatError, Opened, ReaderKeyExchange, TerminalKeyExchange
from tpayd.key_manager.errors import ExchangeFailedError, KeyManagerError, NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord, key_id_of
from tpayd.key_manager.secret_files import TransportKeys
from tpayd.key_manager.ticks import ExchangeNumber
from tpayd.key_manager.vault import Vault
from tpayd.kit import crashpoints
from tpayd.kit.bus import CallError
from tpayd_contracts.device import (
    KEY_INJECT,
    KEY_PREPARE,
    KEY_RELEASE,
    InjectKey,
    PreparedKey,
    PrepareKey,
    ReleaseKeys,
)
from tpayd_contracts.errors import Outcome
from tpayd_contracts.host import EXCHANGE, Exchange
from tpayd_contracts.keys import KeyState, KeyUsage
from tpayd_contracts.operation import Op

__all__ = ["Calls", "ExchangeLimits", "Exchanges", "Tell"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)

Tell = Callable[[str, str], None]
"""Tells the caller how far it is: a stable step, a sentence."""


class Calls(Protocol):
    """What is needed of a bus caller."""

    async def call(self, op: Op[Q, A], body: Q, *, ttl_s: float = ..., trace: str | None = ...) -> A:
        """One request, one reply; raises CallError."""


class ExchangeLimits(Struct, frozen=True):
    """Waits of the steps, in seconds, and the life of a key."""

    host_answer_s: float
    reader_s: float
    reader_free_s: float
    """For a reader that serves a customer."""
    key_life_ms: int


class Exchanges:
    """Key exchanges, one at a time for each owner."""

    def __init__(
        self,
        *,
        profile: str,
        terminals: tuple[str, ...],
        adapter: HostAdapter,
        host: Calls,
        readers: Calls,
        transport: TransportKeys,
        keyring: Keyring,
        vault: Vault,
        next_number: Callable[[], Awaitable[ExchangeNumber]],
        local_time: Callable[[], str],
        limits: ExchangeLimits,
    ) -> None:
        """`terminals`: those of the store, at least one; `local_time`: YYYYMMDDhhmmss."""
        self._profile = profile
        self._terminals = terminals
        self._adapter = adapter
        self._host = host
        self._readers = readers
        self._transport = transport
        self._keyring = keyring
        self._vault = vault
        self._next_number = next_number
        self._local_time = local_time
        self._limits = limits
        self._under_way: set[str] = set()

    def under_way(self, name: str) -> bool:
        """Whether an exchange of this terminal or device runs."""
        return name in self._under_way

    async def terminal(self, terminal_id: str, tell: Tell, trace: str | None = None) -> KeyRecord:
        """Bring a terminal's MAC key into the store, and use it from then on.

        Raises:
            ExchangeFailedError: at any step; `reason` tells which.
            NoUsableKeyError: the terminal is unknown here, or has no transport key.
            CallError: the host link did not carry it.
            StoreError, AuditBrokenError: the store did not take the key.
        """
        if terminal_id not in self._terminals:
            raise NoUsableKeyError("unknown_terminal", f"no lane of this store has the terminal {terminal_id}")
        key = self._transport.get(self._profile, terminal_id)
        if key is None:
            raise NoUsableKeyError("no_transport_key", f"terminal {terminal_id} has no transport key in secrets/")
        async with self._alone(terminal_id, f"terminal {terminal_id}"):
            number = await self._next_number()
            pending = begin(Role.TERMINAL, terminal_id, key, number.sequence)
            message = TerminalKeyExchange(
                terminal_id=terminal_id, stan=number.stan, local=self._local_time(), blob=pending.request
            )
            tell("asking_host", f"asking the host for the MAC key of terminal {terminal_id}")
            opened = await self._ask(self._adapter.encode_network(message), f"terminal {terminal_id}", trace)
            try:
                received = finish(pending, opened.key_blob, key, opened.ikid)
            except CryptoError as error:
                raise ExchangeFailedError("not_genuine", f"the host's answer is refused: {error}") from error
            record = self._staged(KeyUsage.TERMINAL_MAC, terminal_id, opened, received.initial_key)
            await self._stage(record)
            tell("staged", f"key {record.check_value} received, comparing check values")
            if not same_check_value(received.check_value, record.check_value):
                await self._vault.discard(record.key_id, "check value differs")
                raise ExchangeFailedError("check_value", "the host's check value is not that of the key it sent")
            return await self._take_into_use(record, "check value agrees", tell)

    async def reader(self, device: str, tell: Tell, trace: str | None = None, *, idle_only: bool = False) -> KeyRecord:
        """Bring a data key from the host into a reader. Raises as `terminal` does.

        `idle_only`: only while nobody wants the reader; it gives way to a payment as long as it has no new key.
        """
        async with self._alone(device, f"device {device}"):
            tell("asking_reader", f"asking {device} for its half of the exchange")
            wait_s = self._limits.reader_s if idle_only else self._limits.reader_s + self._limits.reader_free_s
            prepared = await self._readers.call(KEY_PREPARE, PrepareKey(device, idle_only), ttl_s=wait_s, trace=trace)
            async with self._held(device):
                _check_prepared(device, prepared)
                number = await self._next_number()
                message = ReaderKeyExchange(
                    terminal_id=self._terminals[0], stan=number.stan, local=self._local_time(), blob=prepared.blob
                )
                tell("asking_host", f"asking the host for the key of reader {prepared.reader_id}")
                owner = f"reader {device} (its identity is {prepared.reader_id})"
                opened = await self._ask(self._adapter.encode_network(message), owner, trace)
                record = self._staged(KeyUsage.READER_DATA, prepared.reader_id, opened, b"", device)
                await self._stage(record)
            tell("staged", f"key {record.check_value} received, handing it to {device}")
            inject = InjectKey(device, self._local_time(), opened.key_blob, held_only=idle_only)
            confirmed = await self._inject(record, inject, trace)
            crashpoints.passing("exchange.taken")
            return await self._take_into_use(record, confirmed, tell)

    async def _stage(self, record: KeyRecord) -> None:
        await self._vault.stage(record)
        crashpoints.passing("exchange.staged")

    async def _inject(self, record: KeyRecord, inject: InjectKey, trace: str | None) -> str:
        device = inject.device
        try:
            injected = await self._readers.call(KEY_INJECT, inject, ttl_s=self._limits.reader_s, trace=trace)
        except CallError as error:
            if error.outcome is Outcome.NOT_STARTED:
                await self._vault.discard(record.key_id, f"the reader never got it: {error.code}")
                raise
            text = f"{device} was given the key and did not say whether it took it ({error.message}); it is asked again"
            raise ExchangeFailedError("in_doubt", text) from error
        if not injected.confirmed:
            await self._vault.discard(record.key_id, "reader refused the key")
            text = f"{device} does not accept the host's key: try again; then have its transport key renewed"
            raise ExchangeFailedError("reader_refused", text)
        if injected.check_value is None:
            return "reader took the key"
        if not same_check_value(injected.check_value, record.check_value):
            await self._vault.discard(record.key_id, "check value differs")
            text = f"{device} holds another key than the host sent: exchange it again, and tell the acquirer"
            raise ExchangeFailedError("check_value", text)
        return "check value agrees"

    async def _take_into_use(self, record: KeyRecord, proof: str, tell: Tell) -> KeyRecord:
        await self._vault.confirm(record.key_id, proof)
        crashpoints.passing("exchange.confirmed")
        tell("confirmed", proof)
        active = await self._vault.activate(record.key_id, self._limits.key_life_ms)
        tell("active", f"key {active.check_value} of {active.owner} is in use")
        return active

    async def _ask(self, message: bytes, owner: str, trace: str | None) -> Opened:
        wait_s = self._limits.host_answer_s
        exchange = Exchange(self._profile, message, wait_s)
        # A second more than the host gets, so that the host link's own verdict comes first.
        crashpoints.passing("exchange.before_ask")
        exchanged = await self._host.call(EXCHANGE, exchange, ttl_s=wait_s + 1.0, trace=trace)
        crashpoints.passing("exchange.answered")
        try:
            opened = self._adapter.open(exchanged.message)
        except HostFormatError as error:
            raise ExchangeFailedError("bad_answer", f"the host's answer cannot be read: {error}") from error
        if not opened.approved:
            text = f"the host refuses a key for {owner} with code {opened.response_code}: does the acquirer know it?"
            raise ExchangeFailedError("host_refused", text)
        if len(opened.key_blob) != ANSWER_BYTES or len(opened.ikid) != IKID_BYTES:
            raise ExchangeFailedError("bad_answer", "the host's answer holds no key of 48 bytes with an identity of 8")
        return opened

    def _staged(
        self, usage: KeyUsage, owner: str, opened: Opened, initial_key: bytes, device: str | None = None
    ) -> KeyRecord:
        check_value = (opened.check_value or "").upper()
        if len(check_value) != CHECK_VALUE_DIGITS:
            raise ExchangeFailedError("bad_answer", "the host's answer holds no check value of ten digits")
        key_id = key_id_of(self._profile, owner, opened.ikid)
        if self._keyring.get(key_id) is not None:
            # The same key again would start its counters again, somewhere.
            raise ExchangeFailedError("key_reused", f"the host sent a key that is known here already: {key_id}")
        return KeyRecord(
            key_id=key_id, usage=usage, owner=owner, profile=self._profile, state=KeyState.STAGED, version=1,
            ikid=opened.ikid, check_value=check_value, initial_key=initial_key, device=device,
        )  # fmt: skip

    @contextlib.asynccontextmanager
    async def _held(self, device: str) -> AsyncIterator[None]:
        """While the host is asked; where it gives no key, the reader goes back to its customers at once."""
        try:
            yield
        except BaseException:
            with contextlib.suppress(CallError):
                await self._readers.call(KEY_RELEASE, ReleaseKeys(device), ttl_s=self._limits.reader_s)
            raise

    @contextlib.asynccontextmanager
    async def _alone(self, name: str, owner: str) -> AsyncIterator[None]:
        if name in self._under_way:
            raise ExchangeFailedError("under_way", f"another key exchange of {owner} is under way")
        self._under_way.add(name)
        try:
            yield
        except (ExchangeFailedError, CallError) as error:
            reason = error.reason if isinstance(error, ExchangeFailedError) else str(error.code)
            with contextlib.suppress(KeyManagerError):
                await self._vault.note("exchange_failed", f"{owner}: {reason}")
            raise
        except asyncio.CancelledError:
            with contextlib.suppress(KeyManagerError):
                await self._vault.note("exchange_failed", f"{owner}: cancelled")
            raise
        finally:
            self._under_way.discard(name)


def _check_prepared(device: str, prepared: PreparedKey) -> None:
    """Its blob is for the host alone to read; but that it is one, and whose, can be seen."""
    owner = prepared.reader_id
    named = 0 < len(owner) <= OWNER_CHARS and owner.isascii() and owner.isprintable()
    if not named or len(prepared.blob) != REQUEST_BYTES:
        text = f"{device} made no half of a key exchange: {len(prepared.blob)} bytes, and {len(owner)} of its identity"
        raise ExchangeFailedError("bad_reader", text)

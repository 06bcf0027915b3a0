"""A key exchange ends with one active key that both sides hold, or leaves the one before in use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tests.harness.clock import FakeClock
from tests.unit.key_manager.setting import PROVIDER, READER, TERMINAL
from tpayd.crypto import exchange as blobs
from tpayd.crypto.check_value import check_value
from tpayd.crypto.dukpt import derive_initial_key
from tpayd.crypto.exchange import Role, transport_key
from tpayd.hosts import MatchKey, Opened, ReaderKeyExchange, TerminalKeyExchange, TypeClass
from tpayd.key_manager.counters import Counters
from tpayd.key_manager.errors import ExchangeFailedError, NoUsableKeyError
from tpayd.key_manager.exchange import ExchangeLimits, Exchanges
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.secret_files import TransportKeys
from tpayd.key_manager.store import KeyStore, Step
from tpayd.key_manager.ticks import Ticker, Ticks
from tpayd.key_manager.vault import IN_DOUBT_MAX, Vault
from tpayd.kit.bus import CallError
from tpayd_contracts.device import InjectedKey, InjectKey, PreparedKey, PrepareKey, ReleaseKeys
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.host import Exchange, Exchanged
from tpayd_contracts.keys import KeyState, KeyUsage
from tpayd_contracts.operation import Empty

MASTER = bytes(range(16))
BDK = bytes(range(16, 32))
LIFE_MS = 1000
DEVICE = "reader-1"


class Host:
    """The host's side, and the adapter that would carry it: requests are kept as objects, answers as given."""

    name = "fake"

    def __init__(self) -> None:
        self.sequences: dict[str, int] = {}
        self.number = 0
        self.request: TerminalKeyExchange | ReaderKeyExchange | None = None
        self.alter: Callable[[Opened], Opened] = lambda opened: opened
        self.error: CallError | None = None
        self.reached = asyncio.Event()
        self.hold: asyncio.Event | None = None
        self.opened: Opened | None = None

    async def call(self, _: object, body: Exchange, *, ttl_s: float = 0, trace: str | None = None) -> Exchanged:
        self.reached.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        request = self.request
        assert request is not None
        role = Role.TERMINAL if isinstance(request, TerminalKeyExchange) else Role.READER
        owner = blobs.owner_of(request.blob)
        key = transport_key(MASTER, role, owner)
        accepted = blobs.accept(role, request.blob, key, self.sequences.get(owner, 0))
        self.sequences[owner] = accepted.sequence
        self.number += 1
        ikid = self.number.to_bytes(8, "big")
        initial_key = derive_initial_key(BDK, ikid)
        self.opened = self.alter(
            Opened(
                type_class=TypeClass.NETWORK, mti="0810", terminal_id=request.terminal_id, stan=request.stan,
                response_code="00", key_blob=blobs.answer(accepted, key, ikid, initial_key), ikid=ikid,
                check_value=check_value(initial_key),
            )
        )  # fmt: skip
        return Exchanged(b"answer", 1, "a")

    def encode_network(self, message: TerminalKeyExchange | ReaderKeyExchange) -> bytes:
        self.request = message
        return b"request"

    def open(self, _: bytes) -> Opened:
        assert self.opened is not None
        return self.opened

    def match_key(self, _: bytes) -> MatchKey:
        raise NotImplementedError


class Reader:
    """A reader behind the device broker: it holds its transport key and takes what is proven."""

    def __init__(self) -> None:
        self.key = transport_key(MASTER, Role.READER, READER)
        self.initial_key: bytes | None = None
        self.sequence = 0
        self.tells_check_value = True
        self.alter: Callable[[InjectedKey], InjectedKey] = lambda injected: injected
        self.lost_at: type | None = None
        self.never_begun = False
        self.released = 0
        self.garbage: PreparedKey | None = None

    async def call(self, _: object, body: Any, *, ttl_s: float = 0, trace: str | None = None) -> Any:
        if isinstance(body, ReleaseKeys):
            self.released += 1
            return Empty()
        if self.lost_at is type(body):
            raise CallError.unknown(ErrorCode.READER_UNAVAILABLE, "unplugged")
        if isinstance(body, PrepareKey):
            if self.garbage is not None:
                return self.garbage
            self.sequence += 1
            self.pending = blobs.begin(Role.READER, READER, self.key, self.sequence)
            return PreparedKey(READER, "S1", self.pending.request)
        assert isinstance(body, InjectKey)
        if self.never_begun:
            raise CallError.not_started(ErrorCode.LEASE_LOST, "gave way")
        received = blobs.finish(self.pending, body.blob, self.key)
        self.initial_key = received.initial_key
        told = received.check_value if self.tells_check_value else None
        return self.alter(InjectedKey(confirmed=True, check_value=told))


class Bench:
    """A key manager's exchange, its store on disk, and both other sides."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.host = Host()
        self.reader = Reader()
        self.steps: list[str] = []
        self.changes: list[Step] = []
        self.disk = ThreadPoolExecutor(1)
        self.open()

    def open(self) -> None:
        self.store = KeyStore.open(self.path, PROVIDER)
        loaded = self.store.load()
        assert ((), None) == (loaded.damaged, loaded.audit.problem)
        self.ticker = Ticker(self.clock, loaded.ticks)
        self.keyring = Keyring(loaded.records)
        self.counters = Counters(loaded.counters, lambda: None)
        self.vault = Vault(
            self.store, self.keyring, self.counters, self.disk, self.ticker.now_ms,
            lambda step, _: self.changes.append(step),
        )  # fmt: skip
        self.exchanges = Exchanges(
            profile="test", terminals=(TERMINAL,), adapter=self.host,  # type: ignore[arg-type]
            host=self.host, readers=self.reader,  # type: ignore[arg-type]
            transport=TransportKeys({("test", TERMINAL): transport_key(MASTER, Role.TERMINAL, TERMINAL)}),
            keyring=self.keyring, vault=self.vault,
            next_number=lambda: self.ticker.next_exchange(self.keep),
            local_time=lambda: "20260131120000", limits=ExchangeLimits(1.0, 1.0, 1.0, LIFE_MS),
        )  # fmt: skip

    async def keep(self, ticks: Ticks) -> None:
        self.store.write_ticks(ticks)

    def reopen(self) -> None:
        self.store.close()
        self.open()

    async def terminal(self) -> KeyRecord:
        self.clock.advance(1)
        return await self.exchanges.terminal(TERMINAL, lambda step, _: self.steps.append(step))

    async def read(self) -> KeyRecord:
        self.clock.advance(1)
        return await self.exchanges.reader(DEVICE, lambda step, _: self.steps.append(step))

    def states(self) -> list[KeyState]:
        return [key.state for key in sorted(self.keyring, key=lambda key: key.ikid)]

    def events(self) -> list[str]:
        return [entry.event for entry in self.store.entries()]

    def close(self) -> None:
        self.store.close()
        self.disk.shutdown()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "keys.sqlite3")
    yield made
    made.close()


def test_terminal_gets_its_key(bench: Bench) -> None:
    """The key that the host sent is active, for three years as set, and survives a restart."""
    info = asyncio.run(bench.terminal()).info(bench.ticker.now_ms())
    now_ms = bench.clock.unix_ms()
    assert (KeyUsage.TERMINAL_MAC, TERMINAL, "test") == (info.usage, info.owner, info.profile)
    assert (KeyState.ACTIVE, now_ms, now_ms + LIFE_MS) == (info.state, info.injected_at_ms, info.expires_at_ms)
    assert ["asking_host", "staged", "confirmed", "active"] == bench.steps
    bench.reopen()
    stored = bench.keyring.for_new_payment("test", TERMINAL, None, now_ms)
    assert derive_initial_key(BDK, stored.ikid) == stored.initial_key


def test_reader_gets_its_key_and_we_do_not(bench: Bench) -> None:
    """Reader and host share the key; the store has its check value and dates only."""
    info = asyncio.run(bench.read())
    record = bench.keyring.current(KeyUsage.READER_DATA, "test", READER)
    assert record is not None
    assert bench.reader.initial_key is not None
    assert (b"", check_value(bench.reader.initial_key)) == (record.initial_key, info.check_value)
    assert (KeyState.ACTIVE, DEVICE) == (info.state, info.device)
    assert bench.reader.initial_key not in bench.path.read_bytes()


def test_reader_without_check_value(bench: Bench) -> None:
    """A reader that only says 'taken' has proven the key by opening it."""
    bench.reader.tells_check_value = False
    assert KeyState.ACTIVE is asyncio.run(bench.read()).state


def test_new_key_retires_the_old_one(bench: Bench) -> None:
    """After a second exchange one key is active, the first still settles what it began."""

    async def twice() -> None:
        await bench.terminal()
        await bench.terminal()

    asyncio.run(twice())
    first, second = sorted(bench.keyring, key=lambda key: key.ikid)
    assert (KeyState.RETIRED, KeyState.ACTIVE) == (first.state, second.state)
    assert second == bench.keyring.for_new_payment("test", TERMINAL, None, bench.clock.unix_ms())
    assert first == bench.keyring.for_settling("test", TERMINAL, first.key_id)


def _not_proven(opened: Opened) -> Opened:
    blob = bytes([opened.key_blob[0], *opened.key_blob[1:-1], opened.key_blob[-1] ^ 1])
    return structs.replace(opened, key_blob=blob)


@pytest.mark.parametrize(
    ("alter", "reason"),
    [
        (_not_proven, "not_genuine"),
        (lambda opened: structs.replace(opened, ikid=b"\xff" * 8), "not_genuine"),
        (lambda opened: structs.replace(opened, check_value="0000000000"), "check_value"),
        (lambda opened: structs.replace(opened, check_value=None), "bad_answer"),
        (lambda opened: structs.replace(opened, check_value=opened.check_value[:6]), "bad_answer"),
        (lambda opened: structs.replace(opened, response_code="05"), "host_refused"),
        (lambda opened: structs.replace(opened, key_blob=b""), "bad_answer"),
        (lambda opened: structs.replace(opened, ikid=b""), "bad_answer"),
    ],
)
def test_bad_answer_leaves_the_key_in_use(bench: Bench, alter: Callable[[Opened], Opened], reason: str) -> None:
    """Whatever is wrong with the host's answer: no new key, the old one stays, and the audit chain knows."""

    async def then_bad() -> None:
        await bench.terminal()
        bench.host.alter = alter
        with pytest.raises(ExchangeFailedError) as caught:
            await bench.terminal()
        assert reason == caught.value.reason

    asyncio.run(then_bad())
    assert [KeyState.ACTIVE] == bench.states()
    assert "exchange_failed" == bench.events()[-1]


def test_same_key_again_is_refused(bench: Bench) -> None:
    """A host that sends a known key would have its KSNs used twice: refused."""

    async def again() -> None:
        await bench.terminal()
        bench.host.number = 0
        with pytest.raises(ExchangeFailedError) as caught:
            await bench.terminal()
        assert "key_reused" == caught.value.reason

    asyncio.run(again())
    assert [KeyState.ACTIVE] == bench.states()


@pytest.mark.parametrize(
    ("alter", "reason"),
    [
        (lambda injected: structs.replace(injected, confirmed=False), "reader_refused"),
        (lambda injected: structs.replace(injected, check_value="0000000000"), "check_value"),
    ],
)
def test_reader_that_holds_no_such_key(bench: Bench, alter: Callable[[InjectedKey], InjectedKey], reason: str) -> None:
    """A key that the reader does not confirm is used by nobody."""
    bench.reader.alter = alter
    with pytest.raises(ExchangeFailedError) as caught:
        asyncio.run(bench.read())
    assert (reason, []) == (caught.value.reason, bench.states())


def test_reader_goes_back_to_its_customers_when_the_host_gives_no_key(bench: Bench) -> None:
    """At once, and not when its hold runs out; one that was given a key is let go by the broker itself."""
    asyncio.run(bench.read())
    assert 0 == bench.reader.released
    bench.host.alter = lambda opened: structs.replace(opened, response_code="63")
    with pytest.raises(ExchangeFailedError):
        asyncio.run(bench.read())
    assert 1 == bench.reader.released


def test_reader_that_is_lost_before_it_was_given_a_key(bench: Bench) -> None:
    """It leaves nothing staged, and the exchange can be begun anew."""
    bench.reader.lost_at = PrepareKey

    async def lost_then_back() -> None:
        with pytest.raises(CallError):
            await bench.read()
        assert [] == bench.states()
        bench.reader.lost_at = None
        await bench.read()

    asyncio.run(lost_then_back())
    assert [KeyState.ACTIVE] == bench.states()


def test_reader_that_does_not_say_whether_it_took_the_key(bench: Bench) -> None:
    """Both keys are kept, the old one in force, also after a restart; the next exchange that is confirmed ends it."""

    async def lost_then_back() -> None:
        await bench.read()
        bench.reader.lost_at = InjectKey
        for _ in range(2):
            with pytest.raises(ExchangeFailedError) as caught:
                await bench.read()
            assert "in_doubt" == caught.value.reason
        bench.reopen()
        await bench.vault.recover(LIFE_MS)
        assert [KeyState.ACTIVE, KeyState.STAGED, KeyState.STAGED] == bench.states()
        assert 2 == len(bench.keyring.in_doubt("test", READER))
        bench.reader.lost_at = None
        await bench.read()

    asyncio.run(lost_then_back())
    assert [KeyState.RETIRED, KeyState.ACTIVE] == bench.states()


def test_keys_in_doubt_are_bounded(bench: Bench) -> None:
    """Of a reader that never answers, the last few keys are kept."""
    bench.reader.lost_at = InjectKey

    async def again_and_again() -> None:
        for _ in range(IN_DOUBT_MAX + 3):
            with pytest.raises(ExchangeFailedError):
                await bench.read()

    asyncio.run(again_and_again())
    assert [KeyState.STAGED] * IN_DOUBT_MAX == bench.states()


def test_reader_that_was_never_given_the_key(bench: Bench) -> None:
    """A step that was not begun leaves no doubt: the staged key is discarded."""
    bench.reader.never_begun = True
    with pytest.raises(CallError):
        asyncio.run(bench.read())
    assert [] == bench.states()


@pytest.mark.parametrize(("identity", "blob"), [("", bytes(128)), (READER, b"short"), ("\x00\xff", bytes(128))])
def test_garbage_from_a_reader(bench: Bench, identity: str, blob: bytes) -> None:
    """What is no half of a key exchange never reaches the host."""
    bench.reader.garbage = PreparedKey(identity, "S1", blob)
    with pytest.raises(ExchangeFailedError) as caught:
        asyncio.run(bench.read())
    assert ("bad_reader", None) == (caught.value.reason, bench.host.request)


def test_silent_host(bench: Bench) -> None:
    """When the host link gives up, so do we, with its word."""
    bench.host.error = CallError.unknown(ErrorCode.TIMEOUT, "no answer")
    with pytest.raises(CallError) as caught:
        asyncio.run(bench.terminal())
    assert (ErrorCode.TIMEOUT, []) == (caught.value.code, bench.states())


def test_one_exchange_at_a_time(bench: Bench) -> None:
    """A second exchange for the same terminal is refused while one is under way; the first goes on."""

    async def both() -> None:
        bench.host.hold = asyncio.Event()
        first = asyncio.ensure_future(bench.terminal())
        await bench.host.reached.wait()
        with pytest.raises(ExchangeFailedError) as caught:
            await bench.terminal()
        assert "under_way" == caught.value.reason
        bench.host.hold.set()
        assert KeyState.ACTIVE is (await first).state

    asyncio.run(both())


def test_cancelled_exchange_frees_the_terminal(bench: Bench) -> None:
    """A caller that goes away ends the exchange, and the next one works."""

    async def cancelled() -> None:
        bench.host.hold = asyncio.Event()
        first = asyncio.ensure_future(bench.terminal())
        await bench.host.reached.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        bench.host.hold = None
        await bench.terminal()

    asyncio.run(cancelled())
    assert [KeyState.ACTIVE] == bench.states()


@pytest.mark.parametrize(("terminal_id", "reason"), [("OTHER001", "unknown_terminal"), (TERMINAL, "no_transport_key")])
def test_terminal_that_cannot_exchange(bench: Bench, terminal_id: str, reason: str) -> None:
    """A terminal of no lane, or without a transport key, is refused before anything is sent."""
    bench.exchanges._transport = TransportKeys({})
    with pytest.raises(NoUsableKeyError) as caught:
        asyncio.run(bench.exchanges.terminal(terminal_id, lambda *_: None))
    assert (reason, None) == (caught.value.reason, bench.host.request)


@pytest.mark.parametrize(("stop_after", "expected"), [("stage", []), ("confirm", [KeyState.ACTIVE])])
def test_restart_in_the_middle(bench: Bench, stop_after: str, expected: list[KeyState]) -> None:
    """What was only staged is discarded after a crash; what was confirmed is taken into use."""

    class Crash(BaseException):
        pass

    def crash(step: Step, _: int) -> None:
        if step.event == stop_after:
            raise Crash

    bench.vault._on_change = crash
    with pytest.raises(Crash):
        asyncio.run(bench.terminal())
    bench.reopen()
    asyncio.run(bench.vault.recover(LIFE_MS))
    assert expected == bench.states()


def test_expiry_and_deletion(bench: Bench) -> None:
    """A key expires when its life is over; a retired one is deleted when nothing can need it any more."""

    async def age() -> list[list[KeyState]]:
        seen = []
        await bench.terminal()
        bench.clock.advance(LIFE_MS / 1000 - 0.001)
        assert () == await bench.vault.expire_due()
        bench.clock.advance(0.001)
        assert [TERMINAL] == [key.owner for key in await bench.vault.expire_due()]
        seen.append(bench.states())
        await bench.terminal()
        seen.append(bench.states())
        bench.clock.advance(10)
        assert (0, 1) == (await bench.vault.purge_retired(10_001), await bench.vault.purge_retired(10_000))
        seen.append(bench.states())
        return seen

    expected = [[KeyState.EXPIRED], [KeyState.RETIRED, KeyState.ACTIVE], [KeyState.ACTIVE]]
    assert expected == asyncio.run(age())
    bench.reopen()
    assert [KeyState.ACTIVE] == bench.states()


def test_every_change_is_audited(bench: Bench) -> None:
    """The chain tells the whole life of a key, in order."""

    async def two_lives() -> None:
        await bench.terminal()
        await bench.terminal()

    asyncio.run(two_lives())
    expected = ["stage", "confirm", "activate", "stage", "confirm", "replace", "activate"]
    assert expected == bench.events()
    assert bench.store.verify().holds


def test_damaged_record_is_cleared_by_a_new_key(bench: Bench) -> None:
    """A lost key is named until its terminal has a new one."""
    asyncio.run(bench.terminal())
    (lost,) = bench.keyring
    bench.keyring.remove(lost.key_id)
    bench.vault.damaged = (lost.key_id, "test:TPAY0009:00")
    asyncio.run(bench.terminal())
    assert ["test:TPAY0009:00"] == list(bench.vault.damaged)


def test_dates_move_with_the_first_host_time(bench: Bench) -> None:
    """A key that was dated by a clock a year ahead lives as long as any, also after a restart; the chain tells it."""
    year_ms = 365 * 86_400_000

    async def put_right() -> None:
        await bench.terminal()
        ticks = structs.replace(bench.ticker.latest(), floor_ms=5_000, from_host=True)
        await bench.vault.move_dates(-year_ms, ticks, lambda: None)

    asyncio.run(put_right())
    bench.reopen()
    (key,) = bench.keyring
    injected_ms = bench.clock.unix_ms() - year_ms
    assert (injected_ms, injected_ms + LIFE_MS) == (key.injected_at_ms, key.expires_at_ms)
    assert ["dates_moved", "date"] == bench.events()[-2:]
    assert (5_000, True) == (bench.ticker.latest().floor_ms, bench.ticker.latest().from_host)

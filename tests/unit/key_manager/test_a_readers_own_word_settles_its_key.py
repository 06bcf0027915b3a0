"""Which key a reader holds is settled by its check value, and the broker is told which readers may serve customers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.key_manager.setting import NOW_MS, PROFILE, READER, reader_key
from tpayd.key_manager.errors import StoreError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.reader_standing import ReaderStanding
from tpayd.kit.bus import CallError
from tpayd_contracts.device import (
    DEVICE_LIST,
    KEY_RELEASE,
    READER_BAR,
    Ability,
    Bar,
    BarReaders,
    Device,
    DeviceList,
    DeviceState,
)
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.keys import KeyState
from tpayd_contracts.operation import Empty

OLD, NEW, OTHER = "AAAAAAAAAA", "BBBBBBBBBB", "CCCCCCCCCC"


class _Broker:
    def __init__(self) -> None:
        self.device = Device("reader-1", "1", DeviceState.READY, "stx", "p", (Ability.IC,), reader_id=READER)
        self.bars: list[tuple[Bar, ...]] = []
        self.released = 0
        self.away = False

    async def call(self, op: Any, body: Any, **_: object) -> Any:
        if self.away:
            raise CallError.not_started(ErrorCode.UNAVAILABLE, "not connected yet")
        match op.name:
            case DEVICE_LIST.name:
                return DeviceList((self.device,), 0)
            case KEY_RELEASE.name:
                self.released += 1
            case READER_BAR.name:
                assert isinstance(body, BarReaders)
                self.bars.append(body.bars)
        return Empty()


class _Vault:
    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.full = False

    async def confirm(self, key_id: str, _: str) -> None:
        if self.full:
            raise StoreError("full")
        self.done.append(("confirm", key_id[-2:]))

    async def activate(self, key_id: str, _: int) -> None:
        self.done.append(("activate", key_id[-2:]))

    async def discard(self, key_id: str, _: str) -> None:
        self.done.append(("discard", key_id[-2:]))


class _Silent:
    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None


class _Bench:
    """A reader with an old key in force and a new one in doubt, and what it says that it holds."""

    def __init__(self, told: str | None, *, doubt: bool = True) -> None:
        self.broker, self.vault = _Broker(), _Vault()
        self.tells(told)
        keys = [reader_key(check_value=OLD, ikid=b"\0" * 7 + b"\1")]
        if doubt:
            keys.append(reader_key(check_value=NEW, ikid=b"\0" * 7 + b"\2", state=KeyState.STAGED))
        self.exchanging = False
        self.keyring = Keyring(keys)
        self.standing = ReaderStanding(
            profile=PROFILE,
            keyring=self.keyring,
            vault=self.vault,  # type: ignore[arg-type]
            broker=self.broker,
            exchanging=lambda _: self.exchanging,
            now_ms=lambda: NOW_MS,
            life_ms=1,
            events=_Silent(),  # type: ignore[arg-type]
            log=_Silent(),
        )

    def tells(self, check_value: str | None) -> None:
        device = self.broker.device
        self.broker.device = Device(
            device.name, device.label, device.state, device.driver, device.port, device.abilities,
            reader_id=device.reader_id, key_check_value=check_value,
        )  # fmt: skip

    def settle(self) -> bool:
        return asyncio.run(self.standing.settle())

    def why(self) -> list[str]:
        return [bar.why for bar in self.broker.bars[-1]]


@pytest.mark.parametrize(
    ("told", "done"),
    [
        (NEW, [("confirm", "02"), ("activate", "02")]),
        (NEW.lower(), [("confirm", "02"), ("activate", "02")]),
        (OLD, [("discard", "02")]),
        (None, []),
        ("garbage", []),
    ],
)
def test_the_key_that_it_tells_is_taken(told: str | None, done: list[tuple[str, str]]) -> None:
    """The new one is confirmed, the old one stays, or nothing is known and both are kept."""
    bench = _Bench(told)
    assert bench.settle()
    assert done == bench.vault.done


def test_an_exchange_that_runs_settles_its_keys_itself() -> None:
    """Nothing is confirmed twice."""
    bench = _Bench(NEW)
    bench.exchanging = True
    bench.settle()
    assert [] == bench.vault.done


def test_a_reader_with_its_key_is_not_barred() -> None:
    """Whether it tells its check value or not, and while a new key is in doubt."""
    for told, doubt in ((OLD, False), (None, False), (None, True)):
        bench = _Bench(told, doubt=doubt)
        bench.settle()
        assert [] == bench.why()


def test_a_reader_with_another_key_is_barred() -> None:
    """A key that nobody here knows: restored from somewhere, or of another store."""
    bench = _Bench(OTHER, doubt=False)
    bench.settle()
    (why,) = bench.why()
    assert ("CCCCCCCCCC" in why, "`tpayd keys exchange --reader reader-1`" in why) == (True, True)


def test_a_reader_without_a_key_and_an_expired_one_are_barred() -> None:
    """Each with its reason; a device that reads no card needs no key."""
    bench = _Bench(None, doubt=False)
    (key,) = bench.keyring
    bench.keyring.remove(key.key_id)
    bench.settle()
    assert ["has no key of the card host: `tpayd keys exchange --reader reader-1`"] == bench.why()
    bench.keyring.put(reader_key(expires_at_ms=NOW_MS))
    bench.settle()
    assert ["its key has expired: `tpayd keys exchange --reader reader-1`"] == bench.why()


def test_the_broker_is_told_again_after_it_was_away() -> None:
    """A broker that starts anew knows no bars, and what a former key manager held is let go once."""
    bench = _Bench(OTHER, doubt=False)
    bench.broker.away = True
    assert not bench.settle()
    bench.broker.away = False
    assert bench.settle()
    bench.settle()
    assert (1, 1) == (len(bench.broker.bars), bench.broker.released)
    bench.standing.look_again()
    bench.settle()
    assert (2, 1) == (len(bench.broker.bars), bench.broker.released)


def test_a_full_disk_is_looked_at_again() -> None:
    """What could not be written is settled the next time."""
    bench = _Bench(NEW)
    bench.vault.full = True
    assert not bench.settle()
    bench.vault.full = False
    assert bench.settle()
    assert [("confirm", "02"), ("activate", "02")] == bench.vault.done

"""The keys in memory and on disk, in step: a change is audited and on disk before anything sees it.

Changes run one after the other, and off the event loop, so that MACs go on while the disk syncs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from types import MappingProxyType

from msgspec import structs

from tpayd.key_manager.counters import Counters
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.states import Event, after
from tpayd.key_manager.store import KeyStore, Step
from tpayd.key_manager.ticks import Ticks
from tpayd_contracts.keys import KeyState, KeyUsage

__all__ = ["IN_DOUBT_MAX", "Vault"]

IN_DOUBT_MAX = 8
"""Keys of one reader that were handed to it and not confirmed; of more, the oldest is given up."""


class Vault:
    """The only way to change a key."""

    def __init__(
        self,
        store: KeyStore,
        keyring: Keyring,
        counters: Counters,
        disk: Executor,
        now_ms: Callable[[], int],
        on_change: Callable[[Step, int], None],
        damaged: Iterable[str] = (),
    ) -> None:
        """`on_change` is told of each step when it is on disk, with the number of audit entries.

        `damaged`: ids of keys that are lost; their places are cleared when their owner has a new key.
        """
        self.damaged = tuple(damaged)
        self._store = store
        self._keyring = keyring
        self._counters = counters
        self._disk = disk
        self._now_ms = now_ms
        self._on_change = on_change
        self._lock = asyncio.Lock()

    async def note(self, event: str, detail: str) -> None:
        """Audit something that changed no key. Raises StoreError, AuditBrokenError."""
        async with self._lock:
            await self._write([Step(event, detail=detail)])

    async def stage(self, record: KeyRecord) -> None:
        """Keep a staged key that has come from the host; older staged ones of the same owner are discarded.

        Of a reader's, the last few are kept: it may hold any of those that it was given and did not confirm.

        Raises StoreError, AuditBrokenError.
        """
        async with self._lock:
            left = [old for old in self._owned(record) if old.state is KeyState.STAGED]
            kept = IN_DOUBT_MAX - 1 if record.usage is KeyUsage.READER_DATA else 0
            given_up = left[: max(0, len(left) - kept)]
            steps = [_step(old, Event.DISCARD, "replaced before it was confirmed") for old in given_up]
            await self._write([*steps, Step(Event.STAGE, record.key_id, record, record.check_value)])

    async def confirm(self, key_id: str, detail: str) -> None:
        """The other side holds the same key. Raises StoreError, AuditBrokenError, NoPassageError."""
        async with self._lock:
            await self._write([_step(self._known(key_id), Event.CONFIRM, detail)])

    async def discard(self, key_id: str, detail: str) -> None:
        """The exchange failed. Raises StoreError, AuditBrokenError, NoPassageError."""
        async with self._lock:
            await self._write([_step(self._known(key_id), Event.DISCARD, detail)])

    async def activate(self, key_id: str, life_ms: int) -> KeyRecord:
        """Use this key from now on, for `life_ms`; the one before is retired in the same transaction.

        A terminal's comes into force with its first counters, so that no sale waits for them.

        Raises StoreError, AuditBrokenError, NoPassageError.
        """
        async with self._lock:
            record = self._known(key_id)
            now_ms = self._now_ms()
            others = [old for old in self._owned(record) if old is not record]
            steps = [
                _step(old, Event.DISCARD, "the reader holds another key")
                if old.state is KeyState.STAGED
                else _step(old, Event.REPLACE, key_id, retired_at_ms=now_ms)
                for old in others
                if old.state is not KeyState.RETIRED
            ]
            dates = {"injected_at_ms": now_ms, "expires_at_ms": now_ms + life_ms}
            active = _step(record, Event.ACTIVATE, "", **dates)
            lost = [name for name in self.damaged if name.rpartition(":")[0] == key_id.rpartition(":")[0]]
            cleared = [Step(Event.PURGE, name, None, "did not open") for name in lost]
            first = self._counters.first_block(key_id) if record.usage is KeyUsage.TERMINAL_MAC else {}
            await self._write([*steps, active, *cleared], counters=first)
            self.damaged = tuple(name for name in self.damaged if name not in lost)
            return self._known(key_id)

    async def expire_due(self) -> tuple[KeyRecord, ...]:
        """Mark the keys whose life is over, and return them. Raises StoreError, AuditBrokenError."""
        async with self._lock:
            now_ms = self._now_ms()
            over = [key for key in self._keyring if key.state is KeyState.ACTIVE and (key.expires_at_ms or 0) <= now_ms]
            await self._write([_step(key, Event.EXPIRE, "") for key in over])
            return tuple(over)

    async def warned(self, key_id: str, days: int) -> None:
        """Its owner is being told that it expires in so many days. Raises StoreError, AuditBrokenError."""
        async with self._lock:
            record = self._known(key_id)
            told = structs.replace(record, version=record.version + 1, warned_days=days)
            await self._write([Step("warn", key_id, told, f"{days} days ahead")])

    async def purge_retired(self, keep_ms: int) -> int:
        """Delete keys retired longer ago than `keep_ms`. Raises StoreError, AuditBrokenError."""
        async with self._lock:
            before_ms = self._now_ms() - keep_ms
            old = [
                key for key in self._keyring
                if key.state is KeyState.RETIRED and (key.retired_at_ms or 0) <= before_ms
            ]  # fmt: skip
            await self._write([_step(key, Event.PURGE, "") for key in old])
            return len(old)

    async def move_dates(self, by_ms: int, ticks: Ticks, moved: Callable[[], None]) -> None:
        """The time was wrong by `by_ms` until now, and so is every date: move them, and keep `ticks` with them.

        `moved` is called when that is on disk, before anything else is dated. Raises StoreError, AuditBrokenError.
        """
        async with self._lock:
            steps = [_moved(key, by_ms) for key in self._keyring]
            await self._write([Step("dates_moved", detail=f"by {by_ms // 1000} s"), *steps], ticks)
            moved()

    async def recover(self, life_ms: int) -> None:
        """After a restart: what was confirmed is activated, and a terminal's key that was only staged is discarded.

        A reader's stays: whether the reader took it is found out by asking for its check value (`reader_standing`).

        Raises StoreError, AuditBrokenError.
        """
        for key in list(self._keyring):
            if key.state is KeyState.STAGED and key.usage is KeyUsage.TERMINAL_MAC:
                await self.discard(key.key_id, "the exchange was interrupted")
            elif key.state is KeyState.CONFIRMED:
                await self.activate(key.key_id, life_ms)

    def _known(self, key_id: str) -> KeyRecord:
        record = self._keyring.get(key_id)
        if record is None:
            raise KeyError(key_id)
        return record

    def _owned(self, record: KeyRecord) -> list[KeyRecord]:
        same = (record.usage, record.profile, record.owner)
        return [key for key in self._keyring if (key.usage, key.profile, key.owner) == same]

    async def _write(
        self, steps: Sequence[Step], ticks: Ticks | None = None, counters: Mapping[str, int] = MappingProxyType({})
    ) -> None:
        if not steps:
            return
        change = partial(self._store.change, self._now_ms(), *steps, ticks=ticks, counters=counters)
        writing = asyncio.get_running_loop().run_in_executor(self._disk, change)
        try:
            # A cancelled exchange must not leave the memory behind the disk: what is being written is waited for.
            count = await asyncio.shield(writing)
        except asyncio.CancelledError:
            self._apply(steps, counters, await writing)
            raise
        self._apply(steps, counters, count)

    def _apply(self, steps: Sequence[Step], counters: Mapping[str, int], count: int) -> None:
        self._counters.reserved(counters)
        for step in steps:
            if step.record is not None:
                self._keyring.put(step.record)
            elif step.key_id:
                self._keyring.remove(step.key_id)
            self._on_change(step, count)


def _moved(record: KeyRecord, by_ms: int) -> Step:
    dates = {
        name: at_ms + by_ms
        for name in ("injected_at_ms", "expires_at_ms", "retired_at_ms")
        if (at_ms := getattr(record, name)) is not None
    }
    return Step("date", record.key_id, structs.replace(record, version=record.version + 1, **dates))


def _step(record: KeyRecord, event: Event, detail: str, **changes: int) -> Step:
    state = after(record.state, event)
    if state is None:
        return Step(event, record.key_id, None, detail)
    changed = structs.replace(record, state=state, version=record.version + 1, **changes)
    return Step(event, record.key_id, changed, detail)

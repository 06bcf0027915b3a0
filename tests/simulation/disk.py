"""A disk below the journal: what was written is not yet kept, and only what was synced survives a power cut.

The file holds frames of one transaction each, with a checksum: a frame that was cut or torn ends the file for whoever
reads it. `SimStore` is the journal's store (`tpayd.transaction.journal.Store`) on it, with the product's own rows and
chains; `SimWriter` is the writing thread, on virtual time.
"""

from __future__ import annotations

import enum
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict
from sqlalchemy import Table

from tpayd.transaction.journal import database, schema
from tpayd.transaction.journal.chain import Link
from tpayd.transaction.journal.coding import decode_payment
from tpayd.transaction.journal.entries import (
    OPEN_STATES,
    Ends,
    Entry,
    StanBlock,
    rows_of,
)
from tpayd.transaction.journal.errors import StorageError
from tpayd.transaction.journal.opening import Found
from tpayd.transaction.journal.reading import Recorded, _recorded
from tpayd.transaction.journal.writing import RETRY_AFTER_S, Clerk, Job, Report, Settle
from tpayd.transaction.payment import Payment

if TYPE_CHECKING:
    from tests.simulation.loop import Scheduler
    from tests.simulation.process import Process

__all__ = ["Contents", "DiskFault", "SimDisk", "SimReader", "SimStore", "SimWriter", "first_frame"]

_HEAD_BYTES = 8


class DiskFault(enum.StrEnum):
    """What is wrong with the disk for a while."""

    FULL = "full"
    """Nothing can be written."""
    SYNC_FAILS = "sync_fails"
    """Written, but the sync fails; what became of it only a look tells."""
    SLOW = "slow"
    """A sync takes seconds."""


class _Frame(msgspec.Struct, array_like=True):
    events: list[dict[str, Any]]
    payments: list[dict[str, Any]]
    chains: list[dict[str, Any]]
    blocks: list[dict[str, Any]]


_encoder = msgspec.msgpack.Encoder()
_frames = msgspec.msgpack.Decoder(_Frame)


class Contents:
    """The tables as they stand after some frames."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.payments: dict[tuple[str, str], dict[str, Any]] = {}
        self.chains: dict[str, dict[str, Any]] = {}
        self.blocks: dict[tuple[str, str], int] = {}

    def apply(self, frame: _Frame) -> None:
        self.events += frame.events
        for row in frame.payments:
            key = row["lane"], row["request_id"]
            before = self.payments.get(key)
            if before is not None and before["payment_id"] != row["payment_id"]:
                # As the primary key's conflict does in the database: what its first event was stays.
                self.payments[key] = {**row, "payment_id": before["payment_id"]}
            else:
                self.payments[key] = row
        for row in frame.chains:
            self.chains[row["lane"]] = row
        for row in frame.blocks:
            self.blocks[row["profile"], row["terminal_id"]] = row["reserved_to"]

    def payment(self, lane: str, request_id: str) -> Payment | None:
        row = self.payments.get((lane, request_id))
        return None if row is None else decode_payment(row["record"])

    @property
    def ends(self) -> Ends:
        return Ends(
            self.events[-1]["position"] if self.events else 0,
            {lane: Link(row["seq"], row["hash"]) for lane, row in self.chains.items()},
            {lane: row["newest"] for lane, row in self.chains.items() if row.get("newest") is not None},
        )


@dataclass
class _Sync:
    """A sync under way: what it covers, and when it is done."""

    until_bytes: int
    done_us: int


class SimDisk:
    """One file."""

    def __init__(self, scheduler: Scheduler, seed: int, sync_us: tuple[int, int], holds: bytes = b"") -> None:
        self._scheduler = scheduler
        self._chance = random.Random(f"{seed}:disk")
        self._sync_us = sync_us
        self._bytes = bytearray(holds)
        self._synced = len(holds)
        self._syncs: list[_Sync] = []
        self.fault: DiskFault | None = None
        self._durable = Contents()
        self._durable_bytes = 0

    # What the store does

    def read(self) -> bytes:
        """All that was written, whether it is kept or not."""
        return bytes(self._bytes)

    def append(self, data: bytes) -> None:
        """Write behind the end. Raises OSError; a part of it may be there then."""
        self._settle()
        if self.fault is DiskFault.FULL:
            self._bytes += data[: self._chance.randrange(len(data))]
            raise OSError(28, "No space left on device")
        self._bytes += data

    def cut(self, length: int) -> None:
        """Forget what stands behind that length."""
        self._settle()
        del self._bytes[length:]
        self._synced = min(self._synced, length)

    def sync(self) -> None:
        """Begin to make all that was written durable; it is once `busy_until_us` has come. Raises OSError."""
        self._settle()
        if self.fault is DiskFault.SYNC_FAILS:
            # The kernel may have dropped the pages that it could not write, or have written them all the same.
            if self._chance.random() < 0.5:
                del self._bytes[self._synced :]
            raise OSError(5, "Input/output error")
        least, most = self._sync_us
        wait_us = self._chance.randrange(least, most)
        if self.fault is DiskFault.SLOW:
            wait_us += self._chance.randrange(500_000, 14_000_000)
        self._syncs.append(_Sync(len(self._bytes), self._scheduler.now_us + wait_us))

    @property
    def busy_until_us(self) -> int:
        return max((sync.done_us for sync in self._syncs), default=0)

    # What happens to it

    def power_cut(self) -> None:
        """What was not synced is lost, from some byte on; the last bytes before it may be torn."""
        self._settle()
        unsynced = len(self._bytes) - self._synced
        kept = self._synced + (self._chance.randrange(unsynced + 1) if unsynced else 0)
        del self._bytes[kept:]
        if kept > self._synced and self._chance.random() < 0.5:
            torn = self._chance.randrange(self._synced, kept)
            self._bytes[torn:kept] = self._chance.randbytes(kept - torn)
        self._syncs.clear()

    def durable(self) -> Contents:
        """What would be found after a power cut at this moment, at the least."""
        self._settle()
        if self._synced < self._durable_bytes:
            self._durable, self._durable_bytes = Contents(), 0
        start = self._durable_bytes
        for frame, end in _read_frames(memoryview(self._bytes)[start : self._synced]):
            self._durable.apply(frame)
            self._durable_bytes = start + end
        return self._durable

    def _settle(self) -> None:
        now_us = self._scheduler.now_us
        for sync in [sync for sync in self._syncs if sync.done_us <= now_us]:
            self._synced = max(self._synced, min(sync.until_bytes, len(self._bytes)))
            self._syncs.remove(sync)


def first_frame(blocks: dict[tuple[str, str], int]) -> bytes:
    """A journal that holds nothing but reserved STANs."""
    rows = [
        {"profile": profile, "terminal_id": terminal_id, "reserved_to": reserved_to}
        for (profile, terminal_id), reserved_to in blocks.items()
    ]
    return _sealed(_Frame([], [], [], rows))


def _sealed(frame: _Frame) -> bytes:
    payload = _encoder.encode(frame)
    return len(payload).to_bytes(4, "big") + zlib.crc32(payload).to_bytes(4, "big") + payload


def _read_frames(data: memoryview | bytes) -> list[tuple[_Frame, int]]:
    """Whole frames, each with where it ends; what follows the first damaged one is not there."""
    found: list[tuple[_Frame, int]] = []
    at = 0
    while len(data) - at >= _HEAD_BYTES:
        length = int.from_bytes(data[at : at + 4], "big")
        check = int.from_bytes(data[at + 4 : at + 8], "big")
        end = at + _HEAD_BYTES + length
        if end > len(data) or zlib.crc32(data[at + _HEAD_BYTES : end]) != check:
            break
        found.append((_frames.decode(data[at + _HEAD_BYTES : end]), end))
        at = end
    return found


class SimStore:
    """`tpayd.transaction.journal.Store`, in the steps of `JournalStore`: write, and after a failure look."""

    is_file = True

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk
        self._syncs = _syncs_each_commit()
        self._connected = False
        self._contents = Contents()
        self._ends = Ends(0, {})
        self._doubt: tuple[int, Ends] | None = None
        self._written = 0

    @property
    def outdated(self) -> bool:
        return False

    def open(self) -> Found:
        try:
            self._read()
        except OSError as error:
            raise StorageError(str(error.strerror)) from error
        self._ends = self._contents.ends
        kept = [decode_payment(row["record"]) for row in self._contents.payments.values() if row["open"]]
        return Found(
            tuple(payment for payment in kept if payment.state in OPEN_STATES),
            dict(self._contents.blocks),
            tuple(payment for payment in kept if payment.state not in OPEN_STATES),
            dict(self._ends.newest),
        )

    def write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        try:
            try:
                self._write(entries, blocks)
            except OSError:
                self._connected = False
                self._live()
                if not entries or self._written < len(entries):
                    raise
            self._written = 0
        except OSError as error:
            self._connected = False
            raise StorageError(str(error.strerror)) from error

    def find(self, lane: str, request_id: str) -> Payment | None:
        return self._contents.payment(lane, request_id)

    def keys(self, after: tuple[str, str], limit: int) -> list[tuple[str, str]]:
        keys = ((request_id, lane) for lane, request_id in self._contents.payments)
        return sorted(key for key in keys if key > after)[:limit]

    def close(self) -> None:
        pass

    def _write(self, entries: list[Entry], blocks: list[StanBlock]) -> None:
        self._live()
        rest = entries[self._written :]
        rows = rows_of(rest, self._ends)
        self._doubt = len(rest), rows.ends
        frame = _Frame(
            _named(schema.events, rows.events), _named(schema.payments, rows.payments),
            _named(schema.chains, rows.chains), [asdict(block) for block in blocks],
        )  # fmt: skip
        self._disk.append(_sealed(frame))
        if self._syncs:
            self._disk.sync()
        self._contents.apply(frame)
        self._doubt = None
        self._ends = rows.ends

    def _live(self) -> None:
        if self._connected:
            return
        self._read()
        ends = self._contents.ends
        if self._doubt is not None and ends == self._doubt[1]:
            self._written += self._doubt[0]
        elif ends != self._ends:
            raise StorageError("the journal ends where this process has not written")
        self._doubt = None
        self._ends = ends

    def _read(self) -> None:
        """Read what is there, drop what is damaged, and sync it before anybody acts on it."""
        frames = _read_frames(self._disk.read())
        self._disk.cut(frames[-1][1] if frames else 0)
        if self._syncs:
            self._disk.sync()
        self._contents = Contents()
        for frame, _ in frames:
            self._contents.apply(frame)
        self._connected = True


def _named(table: Table, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(table.c.keys(), row, strict=True)) for row in rows]


class SimReader:
    """`tpayd.transaction.journal.JournalReader`, as far as a start asks it."""

    def __init__(self, disk: SimDisk) -> None:
        self._disk = disk

    async def since(self, at_ms: int) -> tuple[Recorded, ...]:
        rows = [row for frame, _ in _read_frames(self._disk.read()) for row in frame.events]
        return tuple(_recorded(SimpleNamespace(**row)) for row in rows if row["at_ms"] >= at_ms)

    def close(self) -> None:
        pass


def _syncs_each_commit() -> bool:
    """Whether the product has SQLite sync each commit."""
    return "synchronous=FULL" in database._DURABLE_SQLITE


class SimWriter:
    """`tpayd.transaction.journal.writing.Writer` on virtual time: takes all that is queued, then waits for the disk."""

    def __init__(self, process: Process, disk: SimDisk) -> None:
        self._process = process
        self._disk = disk
        self._jobs: list[Job] = []
        self._working = False
        self._failed = False
        self._retry: Any = None

    def start(self, clerk: Clerk, settle: Settle) -> None:
        self._clerk = clerk
        self._settle = settle

    def submit(self, jobs: list[Job]) -> None:
        self._jobs += jobs
        self._turn()

    @property
    def rests(self) -> bool:
        """Whether nothing waits for the disk."""
        return not (self._working or self._jobs or self._clerk.owes)

    async def close(self) -> None:
        while self._jobs or self._working:
            future = self._process.loop.create_future()
            self._later(1_000, future.set_result, None)
            await future

    def _turn(self) -> None:
        if not self._working:
            self._working = True
            if self._retry is not None:
                self._retry.cancel()
                self._retry = None
            self._later(30, self._work)

    def _work(self) -> None:
        jobs, self._jobs = self._jobs, []
        report = self._clerk.work(jobs)
        now_us = self._process.world.scheduler.now_us
        self._later(max(50, self._disk.busy_until_us - now_us), self._done, report)

    def _done(self, report: Report) -> None:
        self._working = False
        if report.outcomes or self._failed or report.problem is not None:
            self._settle(report)
        self._failed = report.problem is not None
        if self._jobs:
            self._turn()
        elif self._clerk.owes:
            self._retry = self._process.loop.call_later(RETRY_AFTER_S, self._turn)

    def _later(self, wait_us: int, work: Callable[..., object], *what: object) -> None:
        scheduler = self._process.world.scheduler
        scheduler.exactly(scheduler.now_us + wait_us, self._process.loop, work, *what)

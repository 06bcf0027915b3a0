"""The key store: one SQLite file in which every record is sealed.

A record's box is sealed with its kind (for keys: the usage), its id and its version as context, so no box opens in
another's place. Sealed are keys with all their dates and states, counters, and the clock; in clear stand only the
audit entries (signed) and the parameters that the passphrase needs.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import msgspec
from msgspec import Struct

from tpayd.key_manager.audit import AuditEntry, AuditHead, AuditReport, origin, sign_entry, sign_head, verify
from tpayd.key_manager.database import is_empty, open_database, storage, transaction
from tpayd.key_manager.errors import AuditBrokenError, SealBrokenError
from tpayd.key_manager.providers import KeyProvider, Sealing
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.store_header import AUDIT_HEAD, founded, opened, put_header
from tpayd.key_manager.ticks import Ticks
from tpayd.kit import crashpoints

__all__ = ["KeyStore", "Loaded", "Step"]

MAX_KEYS = 10_000
"""Bound on key records: 999 terminals and 64 readers, renewed nine times within the time that retired keys are kept."""

_COUNTER = "counter"
_TICKS = "ticks"


class Step(Struct, frozen=True):
    """One audited change: `record` is the key as it is afterwards; None with a `key_id`: it is gone."""

    event: str
    key_id: str = ""
    record: KeyRecord | None = None
    detail: str = ""


class Loaded(Struct, frozen=True):
    """What a store held when it was opened."""

    records: tuple[KeyRecord, ...]
    damaged: tuple[str, ...]
    """Key ids (or kinds) of records that do not open, or whose version is not the one that the audit chain knows."""
    counters: dict[str, int]
    """Key id → the highest DUKPT counter reserved."""
    ticks: Ticks
    audit: AuditReport


class KeyStore:
    """An open store. Every method may be called from any thread; each write is on disk when it returns."""

    def __init__(self, connection: sqlite3.Connection, sealing: Sealing, store_id: bytes) -> None:
        """For `open_store`."""
        self._connection = connection
        self._sealing = sealing
        self._store_id = store_id
        self._lock = threading.Lock()
        self._broken: str | None = None
        self._count = 0
        self._last = origin(sealing, store_id)
        self._versions: dict[tuple[str, str], int] = {}
        self._limits: dict[str, int] = {}
        self._ticks = Ticks()

    @classmethod
    def open(cls, path: Path, provider: KeyProvider, *, read_only: bool = False) -> KeyStore:
        """Open the store, or make it (unless `read_only`).

        Raises:
            PassphraseError: the provider's key is not this store's, or cannot be had.
            StoreError: missing (`read_only`), readable by others, not a key store, or the disk fails.
        """
        connection = open_database(path, read_only=read_only)
        try:
            with storage(f"{path} cannot be opened"):
                fresh = not read_only and is_empty(connection)
                sealing, store_id = founded(connection, provider) if fresh else opened(connection, provider, path)
            return cls(connection, sealing, store_id)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def load(self) -> Loaded:
        """Read everything, check every seal and the whole audit chain.

        Raises:
            StoreError: the disk fails, or more records than a store may have.
        """
        with self._lock, storage("the key store cannot be read"):
            report = self._verify()
            self._broken = report.problem
            rows = self._connection.execute(
                "SELECT kind, id, version, box FROM sealed ORDER BY kind, id LIMIT ?", (2 * MAX_KEYS,)
            ).fetchall()
        records: list[KeyRecord] = []
        counters: dict[str, int] = {}
        ticks = Ticks()
        damaged: list[str] = []
        known = {key_id for key_id, version in report.versions.items() if version}
        for kind, name, version, box in rows:
            self._versions[kind, name] = version
            try:
                clear = self._sealing.open(box, _context(kind, name, version))
                if kind == _COUNTER:
                    counters[name] = self._limits[name] = int.from_bytes(clear, "big")
                elif kind == _TICKS:
                    ticks = msgspec.msgpack.decode(clear, type=Ticks)
                else:
                    record = msgspec.msgpack.decode(clear, type=KeyRecord)
                    known.discard(record.key_id)
                    if report.holds and report.versions.get(record.key_id) != version:
                        damaged.append(record.key_id)
                    else:
                        records.append(record)
            except (SealBrokenError, msgspec.MsgspecError):
                known.discard(name)
                damaged.append(name or kind)
        if report.holds:
            damaged += sorted(known)
        self._ticks = ticks
        return Loaded(tuple(records), tuple(damaged), counters, ticks, report)

    def verify(self) -> AuditReport:
        """Check the whole audit chain. Raises StoreError."""
        with self._lock, storage("the audit chain cannot be read"):
            return self._verify()

    def entries(self) -> tuple[AuditEntry, ...]:
        """All audit entries, unchecked. Raises StoreError."""
        with self._lock, storage("the audit chain cannot be read"):
            return tuple(entry for entry, _ in self._entries())

    def signatures(self) -> tuple[bytes, ...]:
        """The HMAC of each audit entry, unchecked, first to last. Raises StoreError."""
        with self._lock, storage("the audit chain cannot be read"):
            return tuple(mac for _, mac in self._entries())

    @property
    def name(self) -> str:
        """What tells this store from others, in logs."""
        return self._store_id[:4].hex()

    @property
    def head(self) -> bytes:
        """The HMAC of the last audit entry."""
        return self._last

    def change(
        self, at_ms: int, *steps: Step, ticks: Ticks | None = None, counters: Mapping[str, int] = MappingProxyType({})
    ) -> int:
        """Write these changes and their audit entries (with `ticks` and `counters`): all, or none.

        `counters` as `reserve_counters` has them. Returns the number of audit entries.

        Raises:
            AuditBrokenError: the chain did not hold when the store was loaded: nothing is added that would hide it.
            StoreError: the disk did not take it.
        """
        if self._broken is not None:
            raise AuditBrokenError(f"the audit chain does not hold ({self._broken}): keys stay as they are")
        with self._lock:
            count, last = self._count, self._last
            grown = ticks.joined(self._ticks) if ticks is not None else self._ticks
            higher = self._higher(counters)
            with transaction(self._connection):
                if ticks is not None:
                    self._put_sealed(_TICKS, "", msgspec.msgpack.encode(grown))
                self._put_limits(higher)
                for step in steps:
                    version = step.record.version if step.record else 0
                    self._write_record(step)
                    count += 1
                    entry = AuditEntry(count, at_ms, step.event, step.key_id, version, step.detail)
                    last = sign_entry(self._sealing, last, entry)
                    self._connection.execute(
                        "INSERT INTO audit VALUES (?, ?, ?)", (count, msgspec.msgpack.encode(entry), last)
                    )
                put_header(self._connection, AUDIT_HEAD, msgspec.msgpack.encode(sign_head(self._sealing, count, last)))
            self._count, self._last, self._ticks = count, last, grown
            self._limits |= higher
            return count

    def reserve_counters(self, limits: Mapping[str, int]) -> None:
        """Make the counters of each key up to its limit ours, for good, all at once.

        A lower limit than before changes nothing.

        Raises:
            StoreError: the disk did not take it.
        """
        with self._lock:
            higher = self._higher(limits)
            if higher:
                crashpoints.passing("counter.before_reserve")
                with transaction(self._connection):
                    self._put_limits(higher)
                self._limits |= higher
                crashpoints.passing("counter.after_reserve")

    def write_ticks(self, ticks: Ticks) -> None:
        """Keep what only grows; what is on disk is never lowered.

        Raises:
            StoreError: the disk did not take it.
        """
        with self._lock:
            grown = ticks.joined(self._ticks)
            with transaction(self._connection):
                self._put_sealed(_TICKS, "", msgspec.msgpack.encode(grown))
            self._ticks = grown

    def _verify(self) -> AuditReport:
        rows = self._connection.execute("SELECT value FROM header WHERE name = ?", (AUDIT_HEAD,)).fetchone()
        try:
            head = msgspec.msgpack.decode(rows[0], type=AuditHead) if rows else None
        except msgspec.MsgspecError:
            head = None
        report = verify(self._sealing, self._store_id, self._entries(), head)
        if report.holds and head is not None:
            self._count, self._last = head.count, head.last
        return report

    def _entries(self) -> Iterator[tuple[AuditEntry, bytes]]:
        unreadable = AuditEntry(0, 0, "unreadable")
        for entry, mac in self._connection.execute("SELECT entry, mac FROM audit ORDER BY number"):
            try:
                yield msgspec.msgpack.decode(entry, type=AuditEntry), mac
            except msgspec.MsgspecError:
                yield unreadable, mac

    def _write_record(self, step: Step) -> None:
        if step.record is not None:
            record = step.record
            self._put_sealed(record.usage, record.key_id, msgspec.msgpack.encode(record), record.version)
        elif step.key_id:
            # The counter stays: should the host ever give the same IKID again, its KSNs go on where they ended.
            self._connection.execute("DELETE FROM sealed WHERE id = ? AND kind <> ?", (step.key_id, _COUNTER))

    def _put_sealed(self, kind: str, name: str, clear: bytes, version: int | None = None) -> None:
        number = self._versions.get((kind, name), 0) + 1 if version is None else version
        box = self._sealing.seal(clear, _context(kind, name, number))
        self._connection.execute("INSERT OR REPLACE INTO sealed VALUES (?, ?, ?, ?)", (kind, name, number, box))
        self._versions[kind, name] = number

    def _higher(self, limits: Mapping[str, int]) -> dict[str, int]:
        """Those that are above what is on disk: whoever writes later must not undo a higher one."""
        return {key_id: limit for key_id, limit in limits.items() if limit > self._limits.get(key_id, 0)}

    def _put_limits(self, limits: Mapping[str, int]) -> None:
        for key_id, limit in limits.items():
            self._put_sealed(_COUNTER, key_id, limit.to_bytes(4, "big"))


def _context(kind: str, name: str, version: int) -> bytes:
    return msgspec.msgpack.encode((str(kind), name, version))

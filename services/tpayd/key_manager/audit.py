"""The audit chain: what happened to which key, so that nothing can be taken out, changed, added or moved unseen.

Each entry carries the HMAC of the one before and of itself; the head signs the last one and the number of entries, so
that entries cut off the end are missed too. The chain also says which version each key record has: a record put back
to an earlier state, or a deleted one brought back, does not agree with it.

What it cannot see: the whole file, head and records together, put back to an earlier copy. For that the head is written
to the log with each entry, and the log leaves the machine.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import msgspec
from msgspec import Struct

from tpayd.key_manager.providers import Sealing

__all__ = [
    "RESTORED",
    "AuditEntry",
    "AuditHead",
    "AuditReport",
    "origin",
    "shown_head",
    "sign_entry",
    "sign_head",
    "verify",
]


RESTORED = "restored"
"""An entry's event: from here on the chain is that of a store that was restored from a backup."""
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


class AuditEntry(Struct, frozen=True, array_like=True):
    """One thing that happened."""

    number: int
    """From 1, without a gap."""
    at_ms: int
    event: str
    """A key's event (`states.Event`), or one of the store's: `created`, `started`, `exchange_failed`."""
    key_id: str = ""
    version: int = 0
    """The key record's version after it; 0: there is no record."""
    detail: str = ""


class AuditHead(Struct, frozen=True):
    """The end of the chain."""

    count: int
    last: bytes
    """The last entry's HMAC; the origin's if there is none."""
    signature: bytes


@dataclass(frozen=True)
class AuditReport:
    """What a check of the chain has found."""

    count: int
    """Entries that hold, from the first."""
    problem: str | None = None
    """The first thing wrong, for a person; None: the chain holds."""
    versions: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Each key's last version, as far as the chain holds."""

    @property
    def holds(self) -> bool:
        return self.problem is None


def shown_head(mac: bytes) -> str:
    """An entry's HMAC for the log: letters alone, since a log takes a long row of digits for a card number."""
    return mac.hex().translate(_LETTERS)


def origin(sealing: Sealing, store_id: bytes) -> bytes:
    """What the first entry follows: it ties the chain to one store."""
    return sealing.sign(b"origin" + store_id)


def sign_entry(sealing: Sealing, before: bytes, entry: AuditEntry) -> bytes:
    """The HMAC of an entry that follows the one with the HMAC `before`."""
    return sealing.sign(b"entry" + before + msgspec.msgpack.encode(entry))


def sign_head(sealing: Sealing, count: int, last: bytes) -> AuditHead:
    """The head of a chain of `count` entries."""
    return AuditHead(count, last, sealing.sign(b"head" + count.to_bytes(8, "big") + last))


def verify(
    sealing: Sealing, store_id: bytes, entries: Iterable[tuple[AuditEntry, bytes]], head: AuditHead | None
) -> AuditReport:
    """Check a whole chain: (entry, its HMAC) from the first on, and the head."""
    last = origin(sealing, store_id)
    count = 0
    versions: dict[str, int] = {}

    def broken(problem: str) -> AuditReport:
        return AuditReport(count, problem, MappingProxyType(versions))

    for entry, mac in entries:
        if entry.number != count + 1:
            return broken(f"entry {count + 1} is missing, or not in its place: found {entry.number}")
        if not hmac.compare_digest(sign_entry(sealing, last, entry), mac):
            return broken(f"entry {entry.number} was altered, or does not follow the one before it")
        count, last = entry.number, mac
        if entry.key_id:
            versions[entry.key_id] = entry.version
    if head is None:
        return broken("the head is missing")
    if not hmac.compare_digest(sign_head(sealing, head.count, head.last).signature, head.signature):
        return broken("the head was altered")
    if head.count != count or not hmac.compare_digest(head.last, last):
        return broken(f"the head counts {head.count} entries, {count} are there: some were cut off or added")
    return AuditReport(count, None, MappingProxyType(versions))

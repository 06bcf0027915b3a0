"""Whatever is changed in the audit chain is found, and a broken chain is not covered up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.unit.key_manager.setting import NOW_MS, PROVIDER, key, make_store, reader_key, tamper
from tpayd.key_manager.audit import AuditEntry, AuditReport
from tpayd.key_manager.errors import AuditBrokenError, NoUsableKeyError
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.store import KeyStore, Step

ENTRIES = 6


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.sqlite3"
    make_store(path, key(), reader_key(), *(key(owner=f"TPAY000{number}") for number in range(2, 6)))
    return path


def _verify(path: Path) -> AuditReport:
    store = KeyStore.open(path, PROVIDER, read_only=True)
    try:
        return store.verify()
    finally:
        store.close()


def _edit(connection: sqlite3.Connection) -> None:
    entry = msgspec.msgpack.decode(connection.execute("SELECT entry FROM audit WHERE number = 3").fetchone()[0])
    entry[2] = "purge"
    connection.execute("UPDATE audit SET entry = ? WHERE number = 3", (msgspec.msgpack.encode(entry),))


def _swap(connection: sqlite3.Connection) -> None:
    for old, new in ((2, 100), (3, 2), (100, 3)):
        connection.execute("UPDATE audit SET number = ? WHERE number = ?", (new, old))


def _forge(connection: sqlite3.Connection) -> None:
    entry = msgspec.msgpack.encode(AuditEntry(ENTRIES + 1, NOW_MS, "activate", key().key_id, 2))
    connection.execute("INSERT INTO audit VALUES (?, ?, ?)", (ENTRIES + 1, entry, bytes(32)))


def test_untouched_chain_holds(path: Path) -> None:
    """Every entry is there, and a checker beside it needs no right to write."""
    assert (ENTRIES, None) == (_verify(path).count, _verify(path).problem)


@pytest.mark.parametrize(
    "change",
    [
        _edit,
        _swap,
        _forge,
        lambda db: db.execute("DELETE FROM audit WHERE number = 1"),
        lambda db: db.execute("DELETE FROM audit WHERE number = 4"),
        lambda db: db.execute("DELETE FROM audit WHERE number = ?", (ENTRIES,)),
        lambda db: db.execute("DELETE FROM audit"),
        lambda db: db.execute("DELETE FROM header WHERE name = 'audit_head'"),
        lambda db: db.execute("UPDATE header SET value = x'c0' WHERE name = 'audit_head'"),
        lambda db: db.execute("UPDATE audit SET entry = x'c1' WHERE number = 2"),
        lambda db: db.execute("UPDATE audit SET mac = zeroblob(32) WHERE number = ?", (ENTRIES,)),
    ],
    ids=[
        "edited", "reordered", "forged", "first gone", "middle gone", "last gone", "all gone", "no head", "other head",
        "unreadable", "other digest",
    ],
)  # fmt: skip
def test_change_is_found(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Edited, moved, added or removed: the chain does not hold, and its problem has words."""
    tamper(path, change)
    report = _verify(path)
    assert (False, True) == (report.holds, bool(report.problem))


def test_cut_to_an_earlier_head_is_found_by_the_keys(path: Path) -> None:
    """A chain cut back together with its genuine earlier head no longer agrees with the keys."""
    earlier: list[bytes] = []
    query = "SELECT value FROM header WHERE name = 'audit_head'"
    tamper(path, lambda db: earlier.append(db.execute(query).fetchone()[0]))
    store = KeyStore.open(path, PROVIDER)
    store.load()
    later = key(owner="TPAY0009")
    store.change(NOW_MS, Step("stage", later.key_id, later))
    store.close()

    def cut(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM audit WHERE number > ?", (ENTRIES,))
        connection.execute("UPDATE header SET value = ? WHERE name = 'audit_head'", (earlier[0],))

    tamper(path, cut)
    store = KeyStore.open(path, PROVIDER)
    assert (later.key_id,) == store.load().damaged
    store.close()


def test_broken_chain_takes_no_entry(path: Path) -> None:
    """After a break nothing is added that would make the chain look whole again."""
    tamper(path, lambda db: db.execute("DELETE FROM audit WHERE number = ?", (ENTRIES,)))
    store = KeyStore.open(path, PROVIDER)
    store.load()
    with pytest.raises(AuditBrokenError):
        store.change(NOW_MS, Step("started"))
    store.close()
    assert False is _verify(path).holds


def test_broken_chain_starts_no_payment_and_settles_old_ones() -> None:
    """Without integrity no new payment; what is open is still MACed (DESIGN, payments, 13)."""
    keyring = Keyring([key()], frozen="the chain is broken")
    with pytest.raises(NoUsableKeyError) as caught:
        keyring.for_new_payment("test", "TPAY0001", None, NOW_MS)
    assert "audit" == caught.value.reason
    assert key() == keyring.for_settling("test", "TPAY0001", key().key_id)

"""The key store gives keys to its own passphrase only, and notices whatever was changed in its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from tests.unit.key_manager.setting import IK, NOW_MS, PASSPHRASE, PROVIDER, key, make_store, reader_key, tamper
from tpayd.key_manager.errors import PassphraseError, StoreError
from tpayd.key_manager.providers.passphrase import PassphraseProvider, ScryptCost
from tpayd.key_manager.store import KeyStore, Loaded, Step
from tpayd.key_manager.ticks import Ticks
from tpayd_contracts.keys import KeyState


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keys.sqlite3"


def _load(path: Path) -> Loaded:
    store = KeyStore.open(path, PROVIDER)
    try:
        return store.load()
    finally:
        store.close()


def test_what_was_written_is_read(path: Path) -> None:
    """Keys, counters and the clock come back as they were, in a later life."""
    store = KeyStore.open(path, PROVIDER)
    store.load()
    store.change(NOW_MS, Step("stage", key().key_id, key()), Step("stage", reader_key().key_id, reader_key()))
    store.reserve_counters({key().key_id: 512})
    store.write_ticks(Ticks(NOW_MS, 7, 3))
    store.close()
    loaded = _load(path)
    assert {key(), reader_key()} == set(loaded.records)
    assert ({key().key_id: 512}, Ticks(NOW_MS, 7, 3)) == (loaded.counters, loaded.ticks)
    assert ((), True, 2) == (loaded.damaged, loaded.audit.holds, loaded.audit.count)


def test_file_holds_no_key_in_clear(path: Path) -> None:
    """Neither the key nor its hexadecimal form is in any file, and the file is ours alone."""
    make_store(path, key())
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert [] == [form for form in (IK, IK.hex().encode(), IK.hex().upper().encode(), PASSPHRASE) if form in content]
    assert (0o600, 0o700) == (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777)


def test_other_passphrase_opens_nothing(path: Path) -> None:
    """Another passphrase is refused as such, and nothing of either is told."""
    make_store(path, key())
    with pytest.raises(PassphraseError) as caught:
        KeyStore.open(path, PassphraseProvider(b"another passphrase of many letters"))
    assert "letters" not in str(caught.value)


def test_short_passphrase_is_refused(path: Path) -> None:
    """Fewer than 16 bytes seal no store."""
    with pytest.raises(PassphraseError):
        KeyStore.open(path, PassphraseProvider(b"  short         \n"))


def test_readable_store_is_refused(path: Path) -> None:
    """A store that others can read is not used."""
    make_store(path)
    path.chmod(0o640)
    with pytest.raises(StoreError, match="0640"):
        KeyStore.open(path, PROVIDER)


def _flip(connection: sqlite3.Connection) -> None:
    box = connection.execute("SELECT box FROM sealed WHERE kind = 'terminal_mac'").fetchone()[0]
    changed = box[:-1] + bytes([box[-1] ^ 1])
    connection.execute("UPDATE sealed SET box = ? WHERE kind = 'terminal_mac'", (changed,))


def _swap(connection: sqlite3.Connection) -> None:
    boxes = dict(connection.execute("SELECT kind, box FROM sealed").fetchall())
    connection.execute("UPDATE sealed SET box = ? WHERE kind = 'terminal_mac'", (boxes["reader_data"],))


@pytest.mark.parametrize(
    "change",
    [
        _flip,
        _swap,
        lambda db: db.execute("UPDATE sealed SET version = 2 WHERE kind = 'terminal_mac'"),
        lambda db: db.execute("UPDATE sealed SET kind = 'other' WHERE kind = 'terminal_mac'"),
        lambda db: db.execute("UPDATE sealed SET box = x'00' WHERE kind = 'terminal_mac'"),
        lambda db: db.execute("DELETE FROM sealed WHERE kind = 'terminal_mac'"),
    ],
    ids=["flipped bit", "another record's box", "version", "usage", "cut off", "deleted"],
)
def test_changed_record_is_not_used(path: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """A record that was altered, moved or taken out is named, the others stay."""
    make_store(path, key(), reader_key())
    tamper(path, change)
    loaded = _load(path)
    assert ((key().key_id,), (reader_key(),)) == (loaded.damaged, loaded.records)


def test_record_put_back_is_not_used(path: Path) -> None:
    """An older, genuine record in the place of the newer one is found: the audit chain knows the version."""
    make_store(path, key())
    genuine: list[tuple[object, ...]] = []
    tamper(path, lambda db: genuine.extend(db.execute("SELECT * FROM sealed WHERE kind = 'terminal_mac'").fetchall()))
    store = KeyStore.open(path, PROVIDER)
    store.load()
    store.change(NOW_MS, Step("replace", key().key_id, structs.replace(key(), state=KeyState.RETIRED, version=2)))
    store.close()
    tamper(path, lambda db: db.execute("REPLACE INTO sealed VALUES (?, ?, ?, ?)", genuine[0]))
    loaded = _load(path)
    assert ((key().key_id,), ()) == (loaded.damaged, loaded.records)


def test_deleted_key_brought_back_is_not_used(path: Path) -> None:
    """A key that was deleted does not come back with its row."""
    make_store(path, key())
    genuine: list[tuple[object, ...]] = []
    tamper(path, lambda db: genuine.extend(db.execute("SELECT * FROM sealed WHERE kind = 'terminal_mac'").fetchall()))
    store = KeyStore.open(path, PROVIDER)
    store.load()
    store.change(NOW_MS, Step("purge", key().key_id))
    store.close()
    tamper(path, lambda db: db.execute("INSERT INTO sealed VALUES (?, ?, ?, ?)", genuine[0]))
    loaded = _load(path)
    assert ((key().key_id,), ()) == (loaded.damaged, loaded.records)


@pytest.mark.parametrize("name", ["schema", "store_id", "provider", "provider_kept", "check"])
def test_changed_header_opens_nothing(path: Path, name: str) -> None:
    """Without its true header a store does not open, and says so in one sentence."""
    make_store(path, key())
    tamper(path, lambda db: db.execute("UPDATE header SET value = x'01' WHERE name = ?", (name,)))
    with pytest.raises((StoreError, PassphraseError)):
        KeyStore.open(path, PROVIDER)


def test_header_cannot_ask_for_all_memory(path: Path) -> None:
    """Parameters of scrypt beyond our bounds are refused before they cost anything."""
    make_store(path)
    greedy = msgspec.msgpack.encode(structs.replace(ScryptCost.fresh(), log2_n=40))
    tamper(path, lambda db: db.execute("UPDATE header SET value = ? WHERE name = 'provider_kept'", (greedy,)))
    with pytest.raises(StoreError):
        KeyStore.open(path, PROVIDER)


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look like one" * 20])
def test_foreign_file_is_refused_or_made(path: Path, content: bytes) -> None:
    """An empty file (a crash while it was made) becomes a store; any other file is left as it is."""
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    if content:
        with pytest.raises(StoreError):
            KeyStore.open(path, PROVIDER)
        assert content == path.read_bytes()
    else:
        assert () == _load(path).records


def test_change_is_all_or_nothing(path: Path) -> None:
    """When one of several steps cannot be written, none is, in the file and in the chain."""
    store = KeyStore.open(path, PROVIDER)
    store.load()
    broken = Step("stage", "x", structs.replace(key(), ikid=object()))
    with pytest.raises(TypeError):
        store.change(NOW_MS, Step("stage", key().key_id, key()), broken)
    store.change(NOW_MS, Step("stage", reader_key().key_id, reader_key()))
    store.close()
    loaded = _load(path)
    assert ((reader_key(),), True, 1) == (loaded.records, loaded.audit.holds, loaded.audit.count)


def test_numbers_on_disk_never_fall(path: Path) -> None:
    """Two threads that write in the wrong order lower neither a counter nor the clock."""
    store = KeyStore.open(path, PROVIDER)
    store.load()
    store.reserve_counters({"k": 512})
    store.reserve_counters({"k": 256, "other": 1})
    store.change(NOW_MS, Step("noted"), counters={"k": 511})
    store.write_ticks(Ticks(NOW_MS, 9, 9))
    store.write_ticks(Ticks(NOW_MS - 1, 8, 8))
    store.close()
    loaded = _load(path)
    assert ({"k": 512, "other": 1}, Ticks(NOW_MS, 9, 9)) == (loaded.counters, loaded.ticks)


def test_records_show_no_key() -> None:
    """A record's repr holds no byte of its key."""
    assert [] == [form for form in (IK.hex(), repr(IK)[2:-1]) if form in repr(key())]

"""A small instance in a directory, with keys and a journal, that nothing runs in; and how it is backed up."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519

from tests.unit.key_manager.setting import key
from tests.unit.transaction.samples import NOW_MS, PAYMENT
from tpayd.backup.creating import Backup, Wanted, create
from tpayd.backup.envelope import Keys, Unlocker
from tpayd.backup.restoring import Restored, Wish, restore
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore, Step
from tpayd.kit.instance import Instance
from tpayd.kit.settings import load
from tpayd.kit.store_settings import load_store
from tpayd.provision import Plan, found
from tpayd.transaction import events as ev
from tpayd.transaction.journal import JournalStore, StanBlock, place_of
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.settings import TransactionSettings

__all__ = ["LATER_MS", "NOW_MS", "OWNER", "back_up", "fill_disk", "key_store", "made", "put_back"]

OWNER = x25519.Identity.generate()
"""Who may open the backups."""
LATER_MS = NOW_MS + 3_600_000


def made(home: Path, *, journal_url: str = "") -> Instance:
    """A sandbox with one payment, one key, and one block of STANs and of counters."""
    extra = {"transaction": {"journal_url": journal_url}} if journal_url else {}
    instance = found(Plan(sandbox=True), home, extra)
    with closing(key_store(instance)) as keys:
        keys.change(NOW_MS, Step("activate", key().key_id, key()))
        keys.reserve_counters({key().key_id: 256})
    place = place_of(instance, journal_url)
    with closing(JournalStore(place.url, place.owner)) as store:
        store.open()
        store.write([Entry(PAYMENT, ev.Created(PAYMENT), NOW_MS)], [StanBlock("test", "TPAY0001", 100)])
    return instance


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The file whose name ends like this finds no room: /dev/full takes no byte."""
    real = os.open

    def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith(name):
            return real("/dev/full", os.O_WRONLY)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", open_)


def key_store(instance: Instance) -> KeyStore:
    settings = load(instance.settings_file("key_manager"), KeyManagerSettings)
    return KeyStore.open(store_file(instance.data), provider_of(instance, settings))


def back_up(
    instance: Instance, directory: Path, *, keys: Keys | None = None, keep: int | None = None, journal: bool = True
) -> Backup:
    """A backup, to OWNER unless it is said otherwise."""
    url = load(instance.settings_file("transaction"), TransactionSettings).journal_url
    wanted = Wanted(
        directory=directory, keys=keys or Keys.made(None, [str(OWNER.to_public())]), keep=keep,
        journal=place_of(instance, url) if journal else None,
    )  # fmt: skip
    return create(instance, load_store(instance.settings_file("store")), wanted, lambda *_: None)


def put_back(
    file: Path, home: Path, *, unlocker: Unlocker | None = None, journal: str | None = None, sold_since: bool = True
) -> Restored:
    """A restore, an hour after NOW_MS."""
    wish = Wish(unlocker=unlocker or Unlocker(identities=(OWNER,)), journal=journal, sold_since=sold_since)
    return restore(file, home, wish, LATER_MS, lambda *_: None)

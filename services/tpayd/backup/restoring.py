"""Puts a backup into place, and makes it safe to go on with.

    unpack beside the place, every hash checked → the journal and the key store are made safe there → one rename each,
    config/ last: without it there is no instance, so nothing starts that is half there

Interrupted, it can be begun again: what it had put there by then is known by its staging directory, and goes first.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tpayd.backup.contents import JOURNAL, KEY_STORE, PARTS
from tpayd.backup.creating import verified
from tpayd.backup.envelope import Unlocker, read_head
from tpayd.backup.errors import BackupError, BackupRefusedError, BackupStorageError
from tpayd.backup.last import LastBackup, write_last
from tpayd.backup.manifest import Manifest
from tpayd.key_manager import restoring as key_restoring
from tpayd.key_manager.errors import KeyManagerError
from tpayd.key_manager.places import provider_of
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.instance import Instance
from tpayd.kit.settings import load
from tpayd.kit.store_settings import StoreSettings, load_store
from tpayd.provision.founding import make_sandbox
from tpayd.provision.journal_url import set_journal_url
from tpayd.supervision.processes import processes_of
from tpayd.supervision.separation import gather
from tpayd.transaction.journal import JournalPlace, Owner, moving, place_of
from tpayd.transaction.journal import restoring as journal_restoring
from tpayd.transaction.journal.progress import Progress
from tpayd.transaction.journal.restoring import MadeSafe, RestoredFrom
from tpayd.transaction.settings import TransactionSettings

__all__ = ["FILE", "KEEP", "Restored", "Wish", "restore"]

FILE, KEEP = "file", "keep"
"""Where the journal goes: data/journal.sqlite3, or nowhere, since the database has it still."""
STAGING = ".restoring"
_PLACING = "placing"
_PROFILES = ("live", "test")
_LAST = "config"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How a backup is to be restored."""

    unlocker: Unlocker
    journal: str | None = None
    """FILE, KEEP, or the URL of an empty database; None: as the backup has it, if that is a file."""
    sold_since: bool = True
    """False: a person says that the store sold nothing after the backup."""


@dataclass(frozen=True)
class Restored:
    """What was put into place."""

    manifest: Manifest
    restored_ms: int
    journal: MadeSafe | None
    """None where the journal is not from the backup."""
    keys_skipped: int | None
    """Keys whose counters were skipped; None: the store had none."""


def restore(file: Path, home: Path, wish: Wish, now_ms: int, progress: Progress) -> Restored:
    """Restore into `home`, which is new or empty of an instance.

    Raises BackupError, StorageError, JournalVersionError, JournalDamagedError, JournalUrlError, SettingsError.
    """
    staging = _room(home)
    try:
        with file.open("rb") as opened:
            identities = wish.unlocker.opens(read_head(opened))
        manifest = verified(file, identities, progress, staging)
        # A restored instance has one user, whoever restores it: `tpayd users separate` makes them anew.
        gather(staging)
        restored = _made_safe(_instance(staging), home, manifest, wish, now_ms, progress)
        _place(staging, home)
        if manifest.sandbox:
            make_sandbox(_instance(home))
        write_last(
            _instance(home),
            LastBackup(manifest.taken_at_ms, str(file.resolve()), file.stat().st_size, manifest.backup_id),
        )
    except OSError as error:
        _clear(staging)
        where = error.filename or home
        raise BackupStorageError(f"{where}: {error.strerror or error}; nothing was restored") from error
    except BaseException:
        _clear(staging)
        raise
    return restored


def _made_safe(
    staged: Instance, home: Path, manifest: Manifest, wish: Wish, now_ms: int, progress: Progress
) -> Restored:
    store = load_store(staged.settings_file("store"))
    url = load(staged.settings_file("transaction"), TransactionSettings).journal_url
    place = _journal_place(manifest, wish.journal, url)
    progress("making it safe", 0, 1)
    source = RestoredFrom(manifest.backup_id[:8], manifest.taken_at_ms, now_ms, wish.sold_since)
    journal = _journal(staged, home, place, source, store, progress)
    keys = None
    if (staged.home / KEY_STORE).exists():
        settings = load(staged.settings_file("key_manager"), KeyManagerSettings)
        detail = f"from backup {source.backup_id}"
        try:
            keys = key_restoring.make_safe(staged.home / KEY_STORE, provider_of(staged, settings), now_ms, detail)
        except KeyManagerError as error:
            raise BackupError(f"the key store of the backup cannot be used: {error}") from error
    progress("making it safe", 1, 1)
    return Restored(manifest, now_ms, journal, keys)


def _journal_place(manifest: Manifest, wished: str | None, url: str) -> str:
    """FILE, KEEP or an URL. Raises BackupRefusedError."""
    if wished is None and not url:
        return FILE
    if wished is None:
        raise BackupRefusedError(
            "the journal of this store lies in a database: say --journal keep if that database is there still (it "
            "knows more than the backup), --journal file to go on in a file, or name an empty database"
        )
    if wished == KEEP and not url:
        raise BackupRefusedError("the journal of this store lay in a file: there is none to keep")
    if wished not in (KEEP, FILE) and manifest.journal is None:
        raise BackupRefusedError("the backup holds no journal: it was taken with --without-journal, or before any sale")
    return wished


def _journal(
    staged: Instance, home: Path, place: str, source: RestoredFrom, store: StoreSettings, progress: Progress
) -> MadeSafe | None:
    path = staged.home / JOURNAL
    if place == KEEP:
        path.unlink(missing_ok=True)
        return None
    set_journal_url(staged, "" if place == FILE else place)
    if not path.exists():
        return None
    here = JournalPlace(f"sqlite:///{path}", None)
    terminals = [(profile, lane.terminal_id) for profile in _PROFILES for lane in store.lanes]
    safe = journal_restoring.make_safe(here, source, terminals)
    if place != FILE:
        owner = place_of(staged, place).owner
        assert owner is not None  # noqa: S101  a journal in a database has one
        moving.move(here, JournalPlace(place, Owner(owner.id, f"{socket.gethostname()}:{home}")), progress)
    for left in path.parent.glob(f"{path.name}*"):
        if place != FILE:
            left.unlink()
    return safe


def _room(home: Path) -> Path:
    """A place beside the place. Raises BackupRefusedError, BackupStorageError."""
    running = processes_of(home)
    if running:
        raise BackupRefusedError(f"a store runs in {home} (process {running[0]}); end it with `tpayd down` first")
    staging = home / STAGING
    try:
        home.mkdir(mode=0o750, parents=True, exist_ok=True)
        if (staging / _PLACING).exists():
            for part in PARTS:
                _remove(home / part)
        shutil.rmtree(staging, ignore_errors=True)
        there = [part for part in PARTS if _holds_anything(home / part)]
        if there:
            raise BackupRefusedError(
                f"{home} holds an instance already ({', '.join(there)}): move these away first, and keep them "
                "until the restored store sells"
            )
        staging.mkdir(mode=0o700)
    except OSError as error:
        raise BackupStorageError(f"{home}: {error.strerror}") from error
    return staging


def _place(staging: Path, home: Path) -> None:
    (staging / _PLACING).touch()
    for part in sorted(PARTS, key=lambda part: part == _LAST):
        source, target = staging / part, home / part
        if not source.exists():
            continue
        if target.is_symlink():
            # `data` on another disk.
            for child in source.iterdir():
                shutil.move(child, target / child.name)
        else:
            source.rename(target)
    shutil.rmtree(staging)


def _instance(home: Path) -> Instance:
    """Its paths, with nothing made there."""
    return Instance(
        home=home, config=home / "config", data=home / "data", log=home / "log", run=home / "run",
        secrets=home / "secrets", sandbox=home / "sandbox",
    )  # fmt: skip


def _holds_anything(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and next(path.iterdir(), None) is not None)


def _remove(path: Path) -> None:
    if path.is_dir():
        _each(path, lambda child: shutil.rmtree(child) if child.is_dir() and not child.is_symlink() else child.unlink())
    else:
        path.unlink(missing_ok=True)


def _each(directory: Path, act: Callable[[Path], object]) -> None:
    for child in list(directory.iterdir()):
        act(child)


def _clear(staging: Path) -> None:
    """Unless some of it is in its place already: then it says, next time, what of the place is of a broken restore."""
    if not (staging / _PLACING).exists():
        shutil.rmtree(staging, ignore_errors=True)

"""`tpayd backup`: take, check and restore backups of this instance."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from tpayd.backup.creating import Wanted, backups_in, create, verified
from tpayd.backup.envelope import MIN_PASSPHRASE, Head, Keys, Unlocker, identities_in, read_head
from tpayd.backup.errors import BackupDamagedError, BackupError, BackupKeyError, BackupRefusedError
from tpayd.backup.manifest import Manifest
from tpayd.backup.restoring import Wish, restore
from tpayd.cli.backup_view import as_json, head_line, next_steps, show_manifest
from tpayd.cli.books import place_in, showing, telling
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.typed import first_line, prompted
from tpayd.kit.instance import home_of
from tpayd.kit.settings import SettingsError

__all__ = ["backup"]

F = TypeVar("F", bound=Callable[..., Any])
_OTHERWISE = "nobody is there to type the passphrase: name a file with it"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NICE = 10
"""A backup gives way to payments."""


@click.group()
def backup() -> None:
    """Take a backup while the store sells, check it, and restore it here or on another machine.

    A backup is one encrypted file: settings, clients, keys and secrets, terminals, and the journal of all payments.

    \b
    Examples:
      tpayd backup create --to /mnt/usb --passphrase-file /root/backup.pass --keep 14
      tpayd backup create --to /mnt/usb --recipient age1…
      tpayd backup verify /mnt/usb/tpayd-….tpayd-backup --passphrase-file /root/backup.pass
      tpayd backup restore /mnt/usb/tpayd-….tpayd-backup
    """


def _keys(command: F) -> F:
    """Adds what opens a backup."""
    by_file = click.option("--passphrase-file", type=_FILE, help="A file whose first line is the passphrase.")
    by_key = click.option("--identity", "identity_file", type=_FILE, help="An age identity file.")
    return by_file(by_key(command))


@backup.command(name="create")
@click.option("--to", "directory", type=click.Path(file_okay=False, path_type=Path),
              help="Where it goes, best on another disk; backups/ of the instance if left out.")  # fmt: skip
@click.option("--passphrase-file", type=_FILE, help="A file whose first line is the passphrase; asked for otherwise.")
@click.option("--recipient", "recipients", multiple=True, metavar="AGE1…",
              help="Encrypt to this age key instead; may be repeated.")  # fmt: skip
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Remove this instance's older backups there.")
@click.option("--without-journal", is_flag=True, help="For a journal in PostgreSQL that has backups of its own.")
@json_option
@pass_output
def create_(
    output: Output, directory: Path | None, passphrase_file: Path | None, recipients: tuple[str, ...],
    keep: int | None, without_journal: bool,
) -> None:  # fmt: skip
    """Take a backup now. The store may run and sell: no payment waits for it.

    It is written beside its place, read back and verified, and put into its place then; a full disk or a kill leaves
    the former backups as they are.
    """
    house = open_house()
    os.nice(_NICE)
    with telling(), _saying():
        passphrase = _new_passphrase(output, passphrase_file) if passphrase_file or not recipients else None
        place = None if without_journal else place_in(house)
        if place is not None and place.owner is None and not (house.instance.data / "journal.sqlite3").exists():
            place = None
        wanted = Wanted(
            directory=directory or house.instance.home / "backups", keys=Keys.made(passphrase, recipients),
            journal=place, keep=keep,
        )  # fmt: skip
        with showing(output, "backing up") as progress:
            made = create(house.instance, house.store, wanted, progress)
    data = {
        "file": str(made.file), "size_bytes": made.size_bytes, "removed": [str(path) for path in made.removed],
        **as_json(made.manifest),
    }  # fmt: skip

    def show() -> None:
        output.line(f"backed up and verified: {made.file}, {made.size_bytes / 1e6:.1f} MB")
        show_manifest(output, made.manifest)
        for path in made.removed:
            output.line(f"removed: {path}")

    output.result(data, show)


@backup.command()
@click.argument("file", type=_FILE)
@_keys
@json_option
@pass_output
def verify(output: Output, file: Path, passphrase_file: Path | None, identity_file: Path | None) -> None:
    """Open a backup and check the hash of everything in it. Nothing is written.

    Exit status 8 if it is damaged, 5 if it does not open.
    """
    with _saying():
        manifest = _opened(output, file, passphrase_file, identity_file)
    data = {"file": str(file), "intact": True, **as_json(manifest)}

    def show() -> None:
        output.line(f"intact: {file}")
        show_manifest(output, manifest)

    output.result(data, show)


@backup.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@json_option
@pass_output
def show(output: Output, path: Path) -> None:
    """What a backup says of itself in clear, or all backups of a directory, newest first. Needs no passphrase."""
    with _saying():
        heads = list(backups_in(path)) if path.is_dir() else [(path, _head(path))]
    data = {
        "backups": [
            {
                "file": str(file), "backup_id": head.backup_id, "taken_at_ms": head.taken_at_ms,
                "version": head.version, "host": head.host, "home": head.home, "sandbox": head.sandbox,
                "passphrase": head.key is not None, "recipients": list(head.recipients),
            }
            for file, head in heads
        ]
    }  # fmt: skip

    def tell() -> None:
        for file, head in heads:
            output.line(head_line(file, head))
        if not heads:
            output.line("no backups here")

    output.result(data, tell)


@backup.command(name="restore")
@click.argument("file", type=_FILE)
@click.option("--into", type=click.Path(file_okay=False, path_type=Path),
              help="The instance's directory, new or emptied; TPAYD_HOME if left out.")  # fmt: skip
@click.option("--journal", metavar="file|keep|URL",
              help="For a journal in a database: to a file, as it is there, or to an empty database.")  # fmt: skip
@click.option("--nothing-sold-since", is_flag=True,
              help="The store sold nothing after the backup: it moves to another machine.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask.")
@_keys
@json_option
@pass_output
def restore_(
    output: Output, file: Path, into: Path | None, journal: str | None, nothing_sold_since: bool, yes: bool,
    passphrase_file: Path | None, identity_file: Path | None,
) -> None:  # fmt: skip
    """Restore a backup, and make it safe to go on with. The store must not run.

    Counters and numbers go on far behind all that may have been used after the backup. Payments that were under way
    are asked about at the card host. The first order of each lane is refused, since it may be the repeat of a payment
    that the backup does not know. What to do next is printed; docs/backup.md explains it.
    """
    home = home_of(into)
    with telling(), _saying():
        head = _head(file)
        if not yes:
            click.echo(f"{head_line(file, head)}\nIt goes into {home}.", err=True)
            click.confirm("Will the store that it was taken of never run again?", abort=True, err=True)
        unlocker = _unlocker(output, head, passphrase_file, identity_file)
        wish = Wish(unlocker=unlocker, journal=journal, sold_since=not nothing_sold_since)
        with showing(output, "restoring") as progress:
            done = restore(file, home, wish, time.time_ns() // 1_000_000, progress)
    steps = next_steps(done, sold_since=not nothing_sold_since)
    safe = done.journal
    data = {
        "home": str(home), "restored_at_ms": done.restored_ms, **as_json(done.manifest),
        "stans_skipped": safe.terminals if safe else 0, "keys_skipped": done.keys_skipped or 0,
        "inquired": safe.inquired if safe else 0, "lost": safe.lost if safe else 0,
        "reversing": safe.reversing if safe else 0, "next_steps": steps,
    }  # fmt: skip

    def tell() -> None:
        output.line(f"restored into {home}: the store as of {moment(done.manifest.taken_at_ms)}")
        show_manifest(output, done.manifest)
        for number, step in enumerate(steps, 1):
            output.line(f"{number}. {step}")

    output.result(data, tell)


@contextmanager
def _saying() -> Iterator[None]:
    """What is wrong with a backup, as the command's end."""
    try:
        yield
    except (BackupKeyError, BackupRefusedError) as error:
        raise CommandError(str(error), Exit.REFUSED) from error
    except BackupDamagedError as error:
        raise CommandError(str(error), Exit.FAILED, code="damaged") from error
    except BackupError as error:
        raise CommandError(str(error), Exit.FAILED, code="storage_failed") from error
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE, code="settings") from error


def _opened(output: Output, file: Path, passphrase_file: Path | None, identity_file: Path | None) -> Manifest:
    identities = _unlocker(output, _head(file), passphrase_file, identity_file).opens(_head(file))
    with showing(output, "reading") as progress:
        return verified(file, identities, progress)


def _head(file: Path) -> Head:
    try:
        with file.open("rb") as opened:
            return read_head(opened)
    except BackupDamagedError as error:
        raise BackupDamagedError(f"{file} {error}") from None
    except OSError as error:
        raise BackupError(f"{file}: {error.strerror}") from error


def _unlocker(output: Output, head: Head, passphrase_file: Path | None, identity_file: Path | None) -> Unlocker:
    if identity_file is not None:
        try:
            return Unlocker(identities=identities_in(identity_file.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError):
            raise BackupKeyError(f"{identity_file} cannot be read") from None
        except BackupKeyError as error:
            raise BackupKeyError(f"{identity_file} {error}") from None
    if head.key is None:
        return Unlocker()
    if passphrase_file is not None:
        return Unlocker(passphrase=first_line(passphrase_file))
    return Unlocker(passphrase=prompted(output, "Passphrase of the backup", otherwise=_OTHERWISE))


def _new_passphrase(output: Output, file: Path | None) -> str:
    if file is not None:
        return first_line(file)
    question = f"Passphrase for the backup, at least {MIN_PASSPHRASE} characters; keep it apart from the backup"
    return prompted(output, question, otherwise=_OTHERWISE, twice=True)

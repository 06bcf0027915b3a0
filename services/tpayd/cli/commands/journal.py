"""`tpayd journal`: check, move, purge and export the payments' journal of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.settings import SettingsError, load
from tpayd.transaction.journal import (
    JournalDamagedError,
    JournalOwnedError,
    JournalPlace,
    JournalUrlError,
    JournalVersionError,
    StorageError,
    place_of,
)
from tpayd.transaction.journal.auditing import Finding
from tpayd.transaction.journal.verifying import Progress, Verified
from tpayd.transaction.journal.verifying import verify as walk
from tpayd.transaction.settings import TransactionSettings

__all__ = ["journal"]


@click.group()
def journal() -> None:
    """Check the journal of all payments, move it, purge it, and hand it to the accountant.

    \b
    Examples:
      tpayd journal verify
      tpayd journal export --from 2026-09-01 --to 2026-09-30 > september.csv
      tpayd journal move --to postgresql://tpayd@db.store.example/tpayd
    """


@journal.command()
@json_option
@pass_output
def verify(output: Output) -> int:
    """Walk the journal from end to end: chains, hashes, and each payment against its events.

    Works while the daemon runs. Exit status 1 if anything is damaged; each damage is told with its place.
    """
    place = place_in(open_house())
    with telling(), showing(output, "verifying the journal") as progress:
        found = walk(place.url, progress)
    output.result(_verified(found), lambda: _show(output, found))
    return Exit.OK if found.intact else Exit.NO


def place_in(house: LocalHouse) -> JournalPlace:
    """Where this instance's settings say that its journal is."""
    try:
        settings = load(house.instance.settings_file("transaction"), TransactionSettings)
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE, code="settings") from error
    return place_of(house.instance, settings.journal_url)


@contextmanager
def telling() -> Iterator[None]:
    """What is wrong with a journal, as the command's end."""
    try:
        yield
    except JournalUrlError as error:
        raise CommandError(f"the journal's URL {error}", Exit.USAGE, code="settings") from error
    except (JournalVersionError, JournalOwnedError) as error:
        raise CommandError(str(error), Exit.REFUSED) from error
    except JournalDamagedError as error:
        raise CommandError(str(error), Exit.FAILED, code="damaged") from error
    except StorageError as error:
        raise CommandError(f"the journal cannot be read: {error}", Exit.FAILED, code="storage_failed") from error


@contextmanager
def showing(output: Output, what: str) -> Iterator[Progress]:
    """Long work, told as it goes on: in a terminal every page, piped every tenth part."""
    with output.waiting(what) as update:

        def progress(of: str, done: int, total: int) -> None:
            part = 100 * done // total if total else 100
            update(f"{what}: {of} {part if output.live else part // 10 * 10}%")

        yield progress


def _verified(found: Verified) -> dict[str, object]:
    return {"intact": found.intact, **asdict(found)}


def _show(output: Output, found: Verified) -> None:
    for finding in found.findings:
        output.line(f"damaged: {_place(finding)}{finding.what}", style="red")
    if found.damages > len(found.findings):
        output.line(f"and {found.damages - len(found.findings)} more")
    state = "intact" if found.intact else f"{found.damages} damages"
    output.line(
        f"{state}: {found.events} events ({found.purged} purged), {found.payments} payments, {found.lanes} lanes"
    )


def _place(finding: Finding) -> str:
    parts = [
        f"event {finding.position}" if finding.position is not None else "",
        f"lane {finding.lane}" if finding.lane is not None else "",
        f"number {finding.seq}" if finding.seq is not None else "",
        f"payment {finding.payment_id}" if finding.payment_id is not None else "",
    ]
    told = ", ".join(part for part in parts if part)
    return f"{told}: " if told else ""

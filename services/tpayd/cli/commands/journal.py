"""`tpayd journal`: check, move, purge and export the payments' journal of this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.clock import SystemClock
from tpayd.kit.lock import AlreadyRunningError, ServiceLock
from tpayd.kit.settings import SettingsError, load
from tpayd.transaction.journal import (
    JournalDamagedError,
    JournalOwnedError,
    JournalPlace,
    JournalStore,
    JournalUrlError,
    JournalVersionError,
    StorageError,
    exporting,
    place_of,
)
from tpayd.transaction.journal.auditing import Finding
from tpayd.transaction.journal.verifying import Progress, Verified
from tpayd.transaction.journal.verifying import verify as walk
from tpayd.transaction.settings import TransactionSettings

__all__ = ["journal"]

DAY_MS = 86_400_000
_DAY = click.DateTime(formats=["%Y-%m-%d"])


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


@journal.command()
@click.option("--from", "first", type=_DAY, required=True, help="First business day, YYYY-MM-DD.")
@click.option("--to", "last", type=_DAY, help="Last business day; the first one if left out.")
@click.option("--format", "form", type=click.Choice(("csv", "json")), default="csv", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A new file; standard output if left out.")
@json_option
@pass_output
def export(output: Output, first: datetime, last: datetime | None, form: str, out: Path | None) -> None:
    """Every payment that was sent to the host on these business days, one row each, cards masked.

    Amounts are in won, with supply, VAT, service charge and tax-free part apart. Works while the daemon runs.
    """
    house = open_house()
    place = place_in(house)
    last = last or first
    if last < first:
        raise click.UsageError(f"--to {last:%Y-%m-%d} is before --from {first:%Y-%m-%d}")
    days = f"{first:%Y%m%d}", f"{last:%Y%m%d}"
    with telling(), _written_to(out) as to:
        lines = exporting.export(place.url, *days, house.store.merchant)
        if output.as_json or form == "json":
            count = exporting.write_json(lines, *days, to)
        else:
            count = exporting.write_csv(lines, to)
    if out is not None and not output.as_json:
        output.line(f"{count} payments written to {out}")


@journal.command()
@click.option("--older-than", "days", type=click.IntRange(min=1), metavar="DAYS",
              help="Instead of journal_keep_days in config/transaction.toml.")  # fmt: skip
@json_option
@pass_output
def purge(output: Output, days: int | None) -> None:
    """Purge the details of old payments now: amounts, ids, state and the chain of hashes stay.

    The daemon does so by itself, every hour. This command needs it to be stopped.
    """
    house = open_house()
    place, keep_days = place_in(house), days or settings_in(house).journal_keep_days
    if not keep_days:
        raise click.UsageError("journal_keep_days is 0, so nothing is ever too old; name an age with --older-than")
    before_ms = SystemClock().unix_ms() - keep_days * DAY_MS
    payments = events = 0
    with alone(house), telling(), closing(JournalStore(place.url, place.owner)) as store:
        store.open()
        with output.waiting("purging") as update:
            position: int | None = None
            while True:
                page = store.purge(before_ms, position)
                payments, events, position = payments + page.payments, events + page.events, page.next_position
                if position is None:
                    break
                if output.live:
                    update(f"purging: event {position}, {payments} payments so far")
    data = {"older_than_days": keep_days, "payments": payments, "events": events}
    output.result(data, lambda: output.line(f"purged the details of {payments} payments ({events} events)"))


def place_in(house: LocalHouse) -> JournalPlace:
    """Where this instance's settings say that its journal is."""
    return place_of(house.instance, settings_in(house).journal_url)


def settings_in(house: LocalHouse) -> TransactionSettings:
    """The settings of the process that writes the journal."""
    try:
        return load(house.instance.settings_file("transaction"), TransactionSettings)
    except SettingsError as error:
        raise CommandError(str(error), Exit.USAGE, code="settings") from error


@contextmanager
def alone(house: LocalHouse) -> Iterator[None]:
    """Keep the daemon from starting meanwhile; it must not run."""
    try:
        lock = ServiceLock(house.instance.run_file("transaction", "lock"))
    except AlreadyRunningError:
        raise CommandError("the daemon runs; stop it first with `tpayd down`", Exit.REFUSED, code="running") from None
    with closing(lock):
        yield


@contextmanager
def _written_to(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that is not there yet and is not left behind half written."""
    if path is None:
        yield sys.stdout
        return
    try:
        file = path.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise CommandError(f"{path} exists already", Exit.REFUSED, code="exists") from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", Exit.USAGE) from error
    try:
        with file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


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

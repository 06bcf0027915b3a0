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

from tpayd.cli.books import alone, place_in, settings_in, showing, telling
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.clock import SystemClock
from tpayd.provision.journal_url import set_journal_url
from tpayd.transaction.journal import JournalStore, exporting, moving, place_of, verifying
from tpayd.transaction.journal.auditing import Finding
from tpayd.transaction.journal.database import Database
from tpayd.transaction.journal.retention import PurgePlace
from tpayd.transaction.journal.verifying import Verified

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
@click.option("--lane", help="Only what this lane has in it: its chain, its payments.")
@json_option
@pass_output
def verify(output: Output, lane: str | None) -> int:
    """Walk the journal from end to end: chains, hashes, and each payment against its events.

    Works while the daemon runs. A journal of ten million events takes minutes; one lane of it less. Exit status 1 if
    anything is damaged; each damage is told with its place.
    """
    place = place_in(open_house())
    with telling(), showing(output, "verifying the journal") as progress:
        found = verifying.verify(place.url, progress, lane)
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
            at: PurgePlace | None = None
            while True:
                page = store.purge(before_ms, at)
                payments, events, at = payments + page.payments, events + page.events, page.next_place
                if at is None:
                    break
                if output.live:
                    update(f"purging: event {at.position}, {payments} payments so far")
    data = {"older_than_days": keep_days, "payments": payments, "events": events}
    output.result(data, lambda: output.line(f"purged the details of {payments} payments ({events} events)"))


@journal.command()
@click.option("--to", "target", required=True, metavar="URL",
              help="postgresql://user@host/database; or `file` for data/journal.sqlite3 of this instance.")  # fmt: skip
@json_option
@pass_output
def move(output: Output, target: str) -> None:
    """Move the journal to another database, and set journal_url in config/transaction.toml.

    All of it is copied and verified there, or nothing is changed. The daemon must be stopped. The old journal is kept,
    and marked: a daemon that is pointed at it refuses to start.
    """
    house = open_house()
    url = "" if target == "file" else target
    old, new = place_in(house), place_of(house.instance, url)
    if old.url == new.url:
        raise click.UsageError("the journal is there already")
    with alone(house), telling():
        with showing(output, "moving the journal") as progress:
            found = moving.move(old, new, progress)
        set_journal_url(house.instance, url)
    name = Database(new.url).name
    data = {"moved_to": name, "events": found.events, "payments": found.payments, "lanes": found.lanes}
    output.result(data, lambda: output.line(f"moved to {name}: {found.events} events, {found.payments} payments"))


@journal.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_output
def claim(output: Output, yes: bool) -> None:
    """Take over a journal that belongs to another instance, or that was moved away.

    For a machine that replaces another one. The other instance, if it still runs, can write nothing more.
    """
    house = open_house()
    place = place_in(house)
    if not yes:
        click.confirm("Will the instance that the journal belongs to never run again?", abort=True, err=True)
    with alone(house), telling(), closing(JournalStore(place.url, place.owner)) as store:
        store.open(by_force=True)
    output.result({"claimed": True}, lambda: output.line("the journal belongs to this instance now"))


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

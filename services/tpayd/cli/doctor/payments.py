"""What each payment needs: journal, keys, whole files, the host line, readers; and what a person has to settle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from sqlalchemy.exc import SQLAlchemyError

from tpayd.cli.books import place_in
from tpayd.cli.doctor.finding import Finding, note, ok, problem, warning
from tpayd.cli.doctor.look import Look
from tpayd.cli.errors import CommandError
from tpayd.transaction.journal import JournalUrlError, JournalVersionError, StorageError
from tpayd.transaction.journal.database import Database, reason_of
from tpayd.transaction.journal.migrating import check_version
from tpayd.transaction.journal.schema import SCHEMA_VERSION
from tpayd_contracts.device import DEVICE_LIST, DeviceState
from tpayd_contracts.host import LINE_STATUS, LineState
from tpayd_contracts.integrity import INTEGRITY_STATUS, IntegrityState
from tpayd_contracts.keys import KEY_LIST, KeyState
from tpayd_contracts.records import REVERSALS, UNACKNOWLEDGED

__all__ = ["host_line", "integrity", "journal", "keys", "people", "readers"]

_USABLE = frozenset({DeviceState.READY, DeviceState.LEASED})


def journal(look: Look) -> Iterator[Finding]:
    """That it can be read, and is of this version. Whether it is whole, `tpayd journal verify` says."""
    if look.house.instance.users is not None and not look.running:
        yield note("not looked at: its files are the process's own", "`tpayd journal verify` as root")
        return
    try:
        place = place_in(look.house)
        if place.owner is None and not (look.house.instance.data / "journal.sqlite3").exists():
            yield note("there is none yet; the first start makes it")
            return
        with closing(Database(place.url, reading=True)) as database, closing(database.connect()) as connection:
            with connection.begin():
                check_version(connection)
            yield ok(f"it can be read, schema {SCHEMA_VERSION}; `tpayd journal verify` checks all of it")
    except (StorageError, JournalUrlError) as error:
        yield problem(f"it cannot be read: {error}", "the database server, or the disk; `tpayd logs transaction`")
    except SQLAlchemyError as error:
        yield problem(f"it cannot be read: {reason_of(error)}", "docs/operations.md, 'The journal'")
    except JournalVersionError as error:
        todo = "it is upgraded at the next start" if not look.running else "`tpayd down`, then `tpayd up`"
        yield warning(str(error), todo)
    except CommandError:
        return  # the settings' own check tells


def keys(look: Look) -> Iterator[Finding]:
    """Whether each lane's terminal and each reader has one, and for how long."""
    answer = look.answer(KEY_LIST)
    if answer is None:
        return
    profile = look.house.store.host_profile
    here = [key for key in answer.keys if key.profile == profile]
    for key in here:
        if key.note:
            told = f"{key.device or key.owner}: {key.note}"
            expired = key.state is KeyState.EXPIRED
            yield problem(told, "`tpayd keys exchange`") if expired else warning(told, "`tpayd keys exchange`")
    active = [key for key in here if key.state is KeyState.ACTIVE]
    have = {key.owner for key in active}
    missing = sorted({lane.terminal_id for lane in look.house.store.lanes} - have)
    if missing:
        named = ", ".join(missing[:5]) + ("…" if len(missing) > 5 else "")
        yield problem(f"no key for {len(missing)} terminals: {named}", "`tpayd keys exchange --all`")
    days = [key.days_left for key in active if key.days_left is not None]
    if days and not missing:
        yield ok(f"{len(active)} keys; the first expires in {min(days)} days")


def integrity(look: Look) -> Iterator[Finding]:
    """Whether the installed files are those that were signed."""
    report = look.answer(INTEGRITY_STATUS)
    if report is None:
        return
    detail = f": {report.detail}" if report.detail else ""
    if report.state is IntegrityState.OK:
        yield ok("the installed files are those that were signed")
    elif look.house.store.sandbox:
        yield note(f"integrity is {report.state}{detail}")
    else:
        yield problem(f"integrity is {report.state}{detail}", "`tpayd integrity show`; docs/integrity.md")


def host_line(look: Look) -> Iterator[Finding]:
    """Whether the card host can be asked."""
    status = look.answer(LINE_STATUS)
    if status is None:
        return
    up = [line for line in status.lines if line.state is LineState.SIGNED_ON]
    for line in status.lines:
        if line.state is not LineState.SIGNED_ON:
            detail = f": {line.detail}" if line.detail else ""
            told = f"line {line.name} to {line.address} is {line.state}{detail}"
            todo = "address in config/host_link.toml, then the network"
            yield warning(told, todo) if up else problem(told, todo)
    if up and len(up) == len(status.lines):
        yield ok(f"{len(up)} lines to the card host are signed on (profile {status.profile})")


def readers(look: Look) -> Iterator[Finding]:
    """Whether anybody can present a card."""
    answer = look.answer(DEVICE_LIST)
    if answer is None:
        return
    for fault in answer.faults:
        yield problem(f"config/device_broker.toml, {fault.field}: {fault.text}", "mend it: docs/devices.md")
    usable = [device for device in answer.devices if device.state in _USABLE and not device.bars]
    for device in answer.devices:
        if device not in usable:
            detail = f": {device.detail}" if device.detail else ""
            barred = "".join(f"; kept from payments: {bar.why}" for bar in device.bars)
            told = f"{device.label} is {device.state}{detail}{barred}"
            todo = "its cable and port; `tpayd devices list`"
            yield warning(told, todo) if usable else problem(told, todo)
    if not answer.devices:
        yield problem("no reader is set up", "`tpayd devices search`; docs/devices.md")
    elif len(usable) == len(answer.devices):
        yield ok(f"{len(usable)} readers and pads are ready")


def people(look: Look) -> Iterator[Finding]:
    """What waits for a person."""
    owed, unacknowledged = look.answer(REVERSALS), look.answer(UNACKNOWLEDGED)
    if owed is None or unacknowledged is None:
        return
    if owed.needs_human:
        yield problem(
            f"{owed.needs_human} payments need a person: the host never confirmed their reversal",
            "`tpayd reversals list`; docs/operations.md, 'What needs a person'",
        )
    waiting = len(owed.reversals) + owed.left_out - owed.needs_human
    if waiting > 0:
        yield note(f"{waiting} reversals wait for the card host", "they go on by themselves once the line is up")
    late = len(unacknowledged.payments) + unacknowledged.left_out
    if late:
        todo = "compare `tpayd payment unacknowledged` with the till's record"
        yield note(f"no POS has acknowledged {late} payments", todo)
    if not owed.needs_human and waiting <= 0 and not late:
        yield ok("nothing waits for a person")

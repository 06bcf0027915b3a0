"""Updates, shipping of logs, backups: what nobody misses until it is needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tpayd.backup.last import LastBackup, read_last
from tpayd.cli.doctor.finding import Finding, note, ok, problem, warning
from tpayd.cli.doctor.look import Look
from tpayd.cli.moments import moment
from tpayd_contracts.logs import LOGS_STATUS
from tpayd_contracts.updates import UPDATE_STATUS

__all__ = ["backups", "log_shipping", "of_backup", "updates"]

_DAY_MS = 86_400_000
BACKUP_WARNING_DAYS, BACKUP_PROBLEM_DAYS = 3, 30
UPDATE_WARNING_DAYS = 7


def updates(look: Look) -> Iterator[Finding]:
    """Whether there is a newer release, and when that was last asked."""
    status = look.answer(UPDATE_STATUS)
    if status is None:
        return
    if status.newest is not None:
        told = f"release {status.newest.version} is there; {status.running} runs"
        yield note(told, "`tpayd update`; docs/updates.md")
    if status.checked_at_ms is None:
        yield note("releases were never asked for", "`tpayd update check`; config/updater.toml says where they are")
    elif _age_days(status.checked_at_ms) > UPDATE_WARNING_DAYS:
        yield warning(f"releases were last asked for at {moment(status.checked_at_ms)}", "`tpayd update check`")
    elif status.newest is None:
        yield ok(f"{status.running} is the newest, asked at {moment(status.checked_at_ms)}")


def log_shipping(look: Look) -> Iterator[Finding]:
    """Whether logs would reach the vendor when they are asked for."""
    status = look.answer(LOGS_STATUS)
    if status is None:
        return
    if not status.destination:
        yield note("logs are shipped nowhere", "config/log_shipper.toml; docs/logs.md")
        return
    for each in status.problems:
        yield warning(each, "config/log_shipper.toml; docs/logs.md")
    if not status.problems:
        last = f"last at {moment(status.last_success_ms)}" if status.last_success_ms else "nothing was shipped yet"
        yield ok(f"logs go to {status.destination}; {last}, {len(status.open)} wait")


def backups(look: Look) -> Iterator[Finding]:
    """How old the last one is."""
    last = read_last(look.house.instance)
    if last is None and look.house.store.sandbox:
        yield note("no backup was ever taken", "`tpayd backup create`; docs/backup.md")
    else:
        yield of_backup(last, time.time_ns() // 1_000_000, there=last is not None and Path(last.file).exists())


def of_backup(last: LastBackup | None, now_ms: int, *, there: bool) -> Finding:
    """What the last backup means."""
    todo = "`tpayd backup create --to …`, each night: docs/backup.md"
    if last is None:
        return warning("no backup was ever taken: if this disk dies, keys and journal are lost", todo)
    days = (now_ms - last.taken_at_ms) / _DAY_MS
    told = f"the last backup was taken at {moment(last.taken_at_ms)}: {last.file}"
    if days >= BACKUP_PROBLEM_DAYS:
        return problem(f"{told}, {days:.0f} days ago", todo)
    if days >= BACKUP_WARNING_DAYS:
        return warning(f"{told}, {days:.0f} days ago", todo)
    if not there:
        return note(f"{told}; it is not there now", "its disk may be elsewhere, as it should be")
    return ok(told)


def _age_days(at_ms: int) -> float:
    return (time.time_ns() / 1_000_000 - at_ms) / _DAY_MS

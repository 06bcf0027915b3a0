"""A backup, and what to do after a restore, for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tpayd.backup.envelope import Head
from tpayd.backup.manifest import Manifest
from tpayd.backup.restoring import Restored
from tpayd.cli.moments import moment
from tpayd.cli.output import Output
from tpayd.transaction.journal.restoring import SAFE_DAYS

__all__ = ["as_json", "head_line", "next_steps", "show_manifest"]

_DAY_MS = 86_400_000


def as_json(manifest: Manifest) -> dict[str, Any]:
    """Its documented shape."""
    journal = manifest.journal
    return {
        "backup_id": manifest.backup_id,
        "taken_at_ms": manifest.taken_at_ms,
        "version": manifest.version,
        "sandbox": manifest.sandbox,
        "files": len(manifest.files),
        "events": journal.events if journal else None,
        "payments": journal.payments if journal else None,
        "journal_damages": journal.damages if journal else None,
    }


def head_line(file: Path, head: Head) -> str:
    """One backup in one line."""
    who = "sandbox" if head.sandbox else "store"
    by = "by passphrase" if head.key is not None else f"to {len(head.recipients)} age key(s)"
    taken = f"{moment(head.taken_at_ms)}, tpayd {head.version}"
    return f"{file}: {who} {head.home} on {head.host}, {taken}, encrypted {by}"


def show_manifest(output: Output, manifest: Manifest) -> None:
    """What is in it."""
    output.line(
        f"taken {moment(manifest.taken_at_ms)} of {manifest.home} on {manifest.host}: "
        f"{len(manifest.files)} files, {manifest.size_bytes / 1e6:.1f} MB"
    )
    journal = manifest.journal
    if journal is None:
        output.line("journal: not in it", style="yellow")
        return
    output.line(f"journal: {journal.events} events, {journal.payments} payments, {journal.lanes} lanes")
    if journal.damages:
        output.line(
            f"the journal has {journal.damages} damages, as it had in the store: `tpayd journal verify` says where",
            style="bold red",
        )


def next_steps(done: Restored, *, sold_since: bool) -> list[str]:
    """What a person does now, in this order."""
    taken, now = moment(done.manifest.taken_at_ms), moment(done.restored_ms)
    steps = [
        "Never start the store again that the backup was taken of.",
        "On another machine: `tpayd integrity sign`, and look at `tpayd settings check`.",
        "`tpayd up`, then `tpayd wait-ready`.",
    ]
    if done.keys_skipped:
        steps.append(
            f"Keys that were exchanged after {taken} are not in the backup: `tpayd keys exchange --all` renews all."
        )
    safe = done.journal
    if safe is None or not sold_since:
        return steps
    if safe.inquired:
        steps.append(f"{safe.inquired} payments were at the card host: it is asked what became of them.")
    if safe.lost:
        steps.append(f"{safe.lost} payments were at a reader: only till and acquirer know whether they were paid.")
    steps += [
        "Tell the cashiers: the first order of each lane is refused once (`restored`). If that customer was about to "
        "pay when the store was lost, look at the slip or the acquirer's list before he pays again.",
        f"Payments made between {taken} and {now} are at the host and not here: `tpayd close --day …` shows them as "
        "differences. Enter them at the till from its own record and the acquirer's list.",
    ]
    if done.restored_ms - done.manifest.taken_at_ms > SAFE_DAYS * _DAY_MS:
        steps.append(
            f"The backup is older than {SAFE_DAYS} days: sell only on a business day on which the lost store "
            "sold nothing, or its numbers (STAN) might come twice."
        )
    return steps

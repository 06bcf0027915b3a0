"""Check the audit chain on its files, beside the running key manager or without it: `tpayd keys audit verify`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from tpayd.key_manager.audit import RESTORED, AuditEntry, AuditReport, shown_head
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore
from tpayd.kit.instance import Instance
from tpayd.kit.settings import load
from tpayd.kit.users import acting_as

__all__ = ["Checked", "LoggedHead", "compare_with_log", "logged_heads", "verify_instance"]


class LoggedHead(Struct, frozen=True):
    """What a line `audit.added` of the log says."""

    entries: int
    head: str
    store: str
    time: str = ""
    """ISO 8601, UTC, by the machine's clock."""


@dataclass(frozen=True)
class Checked:
    """What a check has found."""

    report: AuditReport
    entries: tuple[AuditEntry, ...]
    """All that are there, those behind a break too."""
    logged: int
    """Heads of this store in the logs that were compared."""
    log_problem: str | None
    """What the logs know and the chain does not; None: they agree."""

    @property
    def holds(self) -> bool:
        return self.report.holds and self.log_problem is None


def verify_instance(instance: Instance, logs: Iterable[Path] = ()) -> Checked:
    """Check an instance's chain, and compare it with what the logs say of it; without `logs` with its own.

    Raises:
        SettingsError, KeyManagerError, OSError: it could not be checked.
    """
    files = tuple(logs) or tuple(instance.log.glob("key_manager*.jsonl"))
    # Before the chain: what is added meanwhile must not look like missing.
    heads = list(logged_heads(files))
    settings = load(instance.settings_file("key_manager"), KeyManagerSettings)
    with acting_as("key_manager", instance.users):
        store = KeyStore.open(store_file(instance.data), provider_of(instance, settings), read_only=True)
        try:
            report, entries, signatures = store.verify(), store.entries(), store.signatures()
        finally:
            store.close()
    own = [head for head in heads if head.store == store.name]
    return Checked(report, entries, len(own), compare_with_log(signatures, own, entries))


def compare_with_log(
    signatures: tuple[bytes, ...], heads: Iterable[LoggedHead], entries: tuple[AuditEntry, ...] = ()
) -> str | None:
    """What is wrong if these heads were logged while the chain grew; None: nothing.

    It finds what the chain cannot: all of it, with the keys, put back to an earlier copy. Where the chain itself says
    that it was restored from a backup, what was logged before that moment and is not in it belongs to the lost store.
    """
    restores = [(entry.number, _iso(entry.at_ms)) for entry in entries if entry.event == RESTORED]
    for logged in heads:
        if any(logged.entries >= number and logged.time and logged.time < at for number, at in restores):
            continue
        if logged.entries > len(signatures):
            return (
                f"the log knows entry {logged.entries}, the store ends at {len(signatures)}: "
                "it was put back to an earlier copy"
            )
        if logged.entries > 0 and shown_head(signatures[logged.entries - 1]) != logged.head:
            return f"the log knows another entry {logged.entries} than the store: it was put back and has gone on since"
    return None


def _iso(at_ms: int) -> str:
    """As a log line has it, so that the texts compare like the moments."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def logged_heads(files: Iterable[Path]) -> Iterator[LoggedHead]:
    """The heads that stand in log files; lines of other kinds, and cut ones, are passed over. Raises OSError."""
    for file in files:
        with file.open("rb") as lines:
            for line in lines:
                if b'"audit.added"' in line:
                    try:
                        yield msgspec.json.decode(line, type=LoggedHead)
                    except msgspec.MsgspecError:
                        continue

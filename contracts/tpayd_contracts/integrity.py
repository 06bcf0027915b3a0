"""Operations on the integrity of the installation [무결성체크]: its files, and the readers' self-tests (T11)."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Op, Right
from tpayd_contracts.shapes import Count, Name, UnixMs

__all__ = [
    "FINDINGS_SHOWN",
    "INTEGRITY_CHECK",
    "INTEGRITY_STATUS",
    "RESULTS_KEPT",
    "TOPIC_INTEGRITY",
    "CheckIntegrity",
    "CheckScope",
    "Finding",
    "FindingKind",
    "IntegrityEvent",
    "IntegrityProgress",
    "IntegrityQuery",
    "IntegrityReport",
    "IntegrityResult",
    "IntegrityState",
]

TOPIC_INTEGRITY = "integrity.result"
RESULTS_KEPT = 10
"""Of the files, and of each reader."""
FINDINGS_SHOWN = 20
"""Of one result."""


class IntegrityState(enum.StrEnum):
    """Whether new payments may start, as far as the installed files are concerned."""

    CHECKING = "checking"
    """The first check since the start is under way: a new payment waits for it."""
    OK = "ok"
    FAILED = "failed"
    """No new payment; reversals, inquiries and reconciliation go on."""
    OFF = "off"
    """Not checked at all, by the settings: only in a sandbox."""


class CheckScope(enum.StrEnum):
    """What to check."""

    ALL = "all"
    FILES = "files"
    READERS = "readers"


class FindingKind(enum.StrEnum):
    """What is wrong."""

    CHANGED = "changed"
    """A file differs from what was signed."""
    MISSING = "missing"
    UNLISTED = "unlisted"
    """A file that nobody signed: a module, a `.pth`, bytecode."""
    LINK = "link"
    """A symbolic link that nobody signed."""
    SPECIAL = "special"
    """Neither file nor directory."""
    UNREADABLE = "unreadable"
    MANIFEST = "manifest"
    """The signed list is missing or altered, or its signer is not trusted."""
    STARTED = "started"
    """The process was not started as `tpayd up` starts it, so it may have run what was never checked."""
    NOT_CHECKED = "not_checked"
    """The check itself did not come to an end; it is tried again."""
    SELF_TEST = "self_test"
    """A reader reports itself broken."""
    NO_ANSWER = "no_answer"
    """A reader is not there, or does not answer."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong."""

    kind: FindingKind
    text: Annotated[str, Meta(max_length=512)]
    """For a person, with the way out."""
    path: Annotated[str, Meta(max_length=512)] = ""
    """The file, relative to the installation."""


class IntegrityResult(Struct, frozen=True, omit_defaults=True):
    """One check of one subject."""

    at_ms: UnixMs
    """When it ended."""
    by: Annotated[str, Meta(max_length=64)]
    """A client's name, or `start`, `daily`, `reconnect`, `retry`."""
    passed: bool
    device: Name | None = None
    """The reader; none: the installed files."""
    findings: Annotated[tuple[Finding, ...], Meta(max_length=FINDINGS_SHOWN)] = ()
    """The first ones."""
    found: Count = 0
    """All of them."""
    files: Count = 0
    """Files compared."""
    took_ms: Count = 0


class CheckIntegrity(Struct, frozen=True, forbid_unknown_fields=True):
    """Check now: the files, the readers, or both. A reader in use is waited for a while, never disturbed."""

    scope: CheckScope = CheckScope.ALL
    device: Name | None = None
    """With `readers`: this one alone."""


class IntegrityProgress(Struct, frozen=True, omit_defaults=True):
    """How far it is."""

    text: str
    done: Count = 0
    of: Count = 0
    """0: not known."""


class IntegrityQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How it stands, without a check."""

    device: Name | None = None
    """Show all that is kept of this reader."""
    after: Name | None = None
    """For all readers: the `next` of the page before."""


class IntegrityReport(Struct, frozen=True, omit_defaults=True):
    """How it stands. Readers come in pages; of what was found, as much is told as has room."""

    state: IntegrityState
    detail: str = ""
    """Why it is not OK."""
    results: tuple[IntegrityResult, ...] = ()
    """Of the files: the last ten, newest first; on the first page alone."""
    readers: tuple[IntegrityResult, ...] = ()
    """The last of each reader, in the order of their names; with `device` the last ten of it, newest first."""
    signers: tuple[str, ...] = ()
    """Ids of the keys that signed what is installed."""
    version: str = ""
    """Of tpayd, as signed."""
    next_check_ms: UnixMs | None = None
    """When the daily check comes."""
    next: Name | None = None
    """There are more readers: ask `integrity.status` with this as `after`. None on the last page."""


class IntegrityEvent(Struct, frozen=True):
    """A check has ended."""

    state: IntegrityState
    result: IntegrityResult


INTEGRITY_CHECK = Op("integrity.check", CheckIntegrity, IntegrityReport, IntegrityProgress, Right.ADMIN)
INTEGRITY_STATUS = Op("integrity.status", IntegrityQuery, IntegrityReport, right=Right.READ_ONLY)

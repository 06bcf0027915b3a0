"""Operations on releases of tpayd itself [업데이트]: check, download, apply, history, and the notice (T14, T16)."""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.shapes import END, Count, Lane, Name, UnixMs

__all__ = [
    "CHANGELOG_MAX_CHARS",
    "HISTORY_MAX",
    "PAYMENTS_HOLD",
    "PAYMENTS_RESUME",
    "TOPIC_NOTICE",
    "TOPIC_UPDATE",
    "UPDATE_ANSWER",
    "UPDATE_APPLY",
    "UPDATE_CHECK",
    "UPDATE_DOWNLOAD",
    "UPDATE_HISTORY",
    "UPDATE_OPS",
    "UPDATE_STATUS",
    "AnswerNotice",
    "ApplyUpdate",
    "DownloadUpdate",
    "HeldPayments",
    "HoldPayments",
    "NoticeAnswer",
    "ReleaseInfo",
    "UpdateEvent",
    "UpdateHistory",
    "UpdateHistoryQuery",
    "UpdateNotice",
    "UpdateOutcome",
    "UpdateProgress",
    "UpdateRecord",
    "UpdateStatus",
    "UpdateStep",
]

TOPIC_UPDATE = "update.state"
TOPIC_NOTICE = "update.notice"
HISTORY_MAX = 50
CHANGELOG_MAX_CHARS = 16_384

Version = Annotated[str, Meta(pattern=rf"^[0-9]+(?:\.[0-9]+){{1,3}}(?:[-.+]?[a-z0-9.]+)?{END}", max_length=32)]
_VersionOrNewest = Annotated[str, Meta(max_length=32, description="a release's version; empty: the newest")]
_Text = Annotated[str, Meta(max_length=1024)]
_Changelog = Annotated[str, Meta(max_length=CHANGELOG_MAX_CHARS, description="Markdown")]


class UpdateStep(enum.StrEnum):
    """Where the updater is."""

    IDLE = "idle"
    CHECKING = "checking"
    DOWNLOADING = "downloading"
    STAGING = "staging"
    """The release is being installed beside the running one."""
    STAGED = "staged"
    """Installed and examined; it is applied at the next occasion, or by hand."""
    WAITING = "waiting"
    """For the update window, or until no payment is under way."""
    SWITCHING = "switching"
    """The daemon is being restarted from the new release."""
    TRIAL = "trial"
    """The new release runs; if it is not healthy the old one comes back by itself."""


class ReleaseInfo(Struct, frozen=True, omit_defaults=True):
    """One release, as its signed description tells it."""

    version: Version
    published_at_ms: UnixMs
    size_bytes: Count = 0
    """Of what is not here yet."""
    changelog: _Changelog = ""
    changelog_ko: _Changelog = ""
    problem: _Text = ""
    """Why it cannot be applied here; empty: it can."""


class UpdateNotice(Struct, frozen=True, omit_defaults=True):
    """There is a newer version [업데이트 알림]; told at most once a day."""

    notice_id: Name
    release: ReleaseInfo
    wait_s: float
    """How long an answer is waited for."""
    automatic: bool
    """What happens without one: true: the update begins; false: nothing."""
    at_ms: UnixMs


class UpdateStatus(Struct, frozen=True, omit_defaults=True):
    """How it stands."""

    step: UpdateStep
    running: Annotated[str, Meta(max_length=32)]
    """The version that runs."""
    text: _Text = ""
    """For a person: what is under way, what is waited for, or what went wrong last."""
    newest: ReleaseInfo | None = None
    """The newest release that was heard of; none: nothing newer than what runs."""
    staged: Annotated[str, Meta(max_length=32)] = ""
    """The version that is installed beside the running one, if any."""
    checked_at_ms: UnixMs | None = None
    """When the releases were last asked for and heard."""
    window: Annotated[str, Meta(max_length=16)] = ""
    """When releases are applied by themselves, e.g. `02:00-05:00`."""
    notice: UpdateNotice | None = None
    """The one that waits for an answer."""


class UpdateProgress(Struct, frozen=True, omit_defaults=True):
    """How far it is."""

    step: UpdateStep
    text: _Text
    done_bytes: Count = 0
    of_bytes: Count = 0
    """0: not known."""
    lanes: tuple[Lane, ...] = ()
    """Those whose payment is waited for."""


class DownloadUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Fetch and verify a release, and install it beside the running one. What was fetched before is used again."""

    version: _VersionOrNewest = ""


class ApplyUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Go over to a release as soon as no payment is under way; fetches it first if need be."""

    version: _VersionOrNewest = ""
    now: bool = False
    """Also outside the update window."""
    wait_s: Annotated[float, Meta(ge=0, le=3600)] = 300.0
    """How long payments under way are waited for; new ones are refused as `busy` only for the last moment."""
    again: bool = False
    """Also a release that was rolled back here before."""
    restart: bool = False
    """Where there is nothing newer: restart the daemon all the same."""


class UpdateHistoryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for the last attempts."""

    limit: Annotated[int, Meta(ge=1, le=HISTORY_MAX)] = 20


class UpdateOutcome(enum.StrEnum):
    """What became of an attempt."""

    STAGED = "staged"
    WITHDRAWN = "withdrawn"
    """It was not begun after all; the version before ran on."""
    TRIAL = "trial"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


class UpdateRecord(Struct, frozen=True, omit_defaults=True):
    """One attempt."""

    version: Annotated[str, Meta(max_length=32)]
    outcome: UpdateOutcome
    at_ms: UnixMs
    before: Annotated[str, Meta(max_length=32)] = ""
    """The version that ran before."""
    by: Annotated[str, Meta(max_length=64)] = ""
    """A client's name, or `automatic`."""
    text: _Text = ""
    """Why, where it did not stay."""
    took_ms: Count = 0
    """From the end of the old processes to the new ones' being ready, or back to the old ones' start."""


class UpdateHistory(Struct, frozen=True):
    """Attempts, newest first."""

    records: Annotated[tuple[UpdateRecord, ...], Meta(max_length=HISTORY_MAX)]


class NoticeAnswer(enum.StrEnum):
    """What a person says to the notice."""

    UPDATE = "update"
    """업데이트"""
    LATER = "later"
    """취소, 닫기"""


class AnswerNotice(Struct, frozen=True, forbid_unknown_fields=True):
    """Answer a notice that still waits."""

    notice_id: Name
    answer: NoticeAnswer


class UpdateEvent(Struct, frozen=True):
    """The updater's state has changed."""

    status: UpdateStatus


class HoldPayments(Struct, frozen=True, forbid_unknown_fields=True):
    """Begin no new payment for a while: each is refused as `busy`, `update`. Repeated, it holds on."""

    ttl_s: Annotated[float, Meta(ge=0, le=60)]
    """After it payments begin again by themselves: whoever asked may have died. 0: hold nothing, only tell."""
    why: Annotated[str, Meta(min_length=1, max_length=200)]


class HeldPayments(Struct, frozen=True):
    """What is still to be waited for."""

    under_way: Count
    """Payments without a verdict, whatever their state; with 0 the processes may end."""
    lanes: tuple[Lane, ...] = ()
    unsettled: Count = 0
    """Payments of which something is still to be done: a reversal owed, say. They survive a restart."""
    journal_revision: Annotated[str, Meta(max_length=64)] = ""
    """Of the journal's schema, as it is on disk."""


UPDATE_STATUS = Op("update.status", Empty, UpdateStatus, right=Right.READ_ONLY)
UPDATE_CHECK = Op("update.check", Empty, UpdateStatus, UpdateProgress, Right.ADMIN)
"""Ask the repository what there is. Nothing is installed."""
UPDATE_DOWNLOAD = Op("update.download", DownloadUpdate, UpdateStatus, UpdateProgress, Right.ADMIN)
UPDATE_APPLY = Op("update.apply", ApplyUpdate, UpdateStatus, UpdateProgress, Right.ADMIN)
"""Answered when the switch begins (`switching`): the daemon restarts then. `update.history` has the outcome."""
UPDATE_HISTORY = Op("update.history", UpdateHistoryQuery, UpdateHistory, right=Right.READ_ONLY)
UPDATE_ANSWER = Op("update.answer", AnswerNotice, UpdateStatus, right=Right.ADMIN)
PAYMENTS_HOLD = Op("payment.hold", HoldPayments, HeldPayments)
PAYMENTS_RESUME = Op("payment.resume", Empty, Empty)
"""Payments may begin again."""

UPDATE_OPS = (UPDATE_STATUS, UPDATE_CHECK, UPDATE_DOWNLOAD, UPDATE_APPLY, UPDATE_HISTORY, UPDATE_ANSWER)

"""The updater's knowledge in the contract's words. Pure."""

from __future__ import annotations

from tpayd.releases.journal import Attempt, State
from tpayd.updater.settings import UpdaterSettings
from tpayd.updater.source import Found
from tpayd_contracts.updates import CHANGELOG_MAX_CHARS, ReleaseInfo, UpdateOutcome, UpdateRecord

__all__ = ["as_info", "as_record", "standing_text"]

_OUTCOMES = {
    State.STAGED: UpdateOutcome.STAGED,
    State.ORDERED: UpdateOutcome.WITHDRAWN,
    State.TRIAL: UpdateOutcome.TRIAL,
    State.READY: UpdateOutcome.TRIAL,
    State.COMMITTED: UpdateOutcome.COMMITTED,
    State.ROLLED_BACK: UpdateOutcome.ROLLED_BACK,
}
_TEXT_MAX_CHARS = 1024


def as_info(found: Found) -> ReleaseInfo:
    """A release that was found."""
    release = found.release
    return ReleaseInfo(
        version=str(release.version), published_at_ms=int(release.published_at.timestamp() * 1000),
        size_bytes=found.missing_bytes, changelog=release.changelog.get("en", "")[:CHANGELOG_MAX_CHARS],
        changelog_ko=release.changelog.get("ko", "")[:CHANGELOG_MAX_CHARS],
        problem=found.problem[:_TEXT_MAX_CHARS],
    )  # fmt: skip


def as_record(attempt: Attempt) -> UpdateRecord:
    """One line of the history."""
    outcome = _OUTCOMES[attempt.state]
    if outcome is UpdateOutcome.WITHDRAWN and not attempt.text:
        outcome = UpdateOutcome.STAGED  # the order stands, and nothing has come of it yet
    return UpdateRecord(
        version=attempt.version, outcome=outcome, at_ms=attempt.at_ms, before=attempt.before,
        by=attempt.by, text=attempt.text, took_ms=attempt.took_ms,
    )  # fmt: skip


def standing_text(attempt: Attempt, problem: str, settings: UpdaterSettings) -> str:
    """How it stands while nothing is under way."""
    if attempt.state is State.TRIAL:
        return f"{attempt.version} has started; it goes again if it is not ready in time"
    if attempt.state is State.READY:
        return f"{attempt.version} is ready, and kept for good if all its processes live for {settings.trial_s:.0f} s"
    if problem:
        return problem[:_TEXT_MAX_CHARS]
    if attempt.state is State.ROLLED_BACK:
        return f"{attempt.version} was rolled back, {attempt.before} runs: {attempt.text}"[:_TEXT_MAX_CHARS]
    if attempt.state is State.STAGED:
        when = f"by itself between {settings.window.replace('-', ' and ')}, or " if settings.window else ""
        return f"{attempt.version} is installed; it is gone over to {when}by `tpayd update apply`"
    return ""

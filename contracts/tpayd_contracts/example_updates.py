"""An example of every message about releases."""

from __future__ import annotations

from tpayd_contracts import updates
from tpayd_contracts.example_payments import AT_MS, Example
from tpayd_contracts.operation import Empty

__all__ = ["NOTICE_EVENT", "UPDATES", "UPDATE_EVENT"]

_RELEASE = updates.ReleaseInfo(
    version="0.2.0",
    published_at_ms=AT_MS,
    size_bytes=1_482_004,
    changelog="- Voids print their own receipt.",
    changelog_ko="- 취소 전표를 따로 출력합니다.",
)
NOTICE_EVENT = updates.UpdateNotice(notice_id="n-20260302", release=_RELEASE, wait_s=15.0, automatic=False, at_ms=AT_MS)
_STATUS = updates.UpdateStatus(
    step=updates.UpdateStep.STAGED,
    running="0.1.0",
    text="0.2.0 is installed; it is applied between 02:00 and 05:00, or by `tpayd update apply --now`",
    newest=_RELEASE,
    staged="0.2.0",
    checked_at_ms=AT_MS,
    window="02:00-05:00",
    notice=NOTICE_EVENT,
)
_DOWNLOADING = updates.UpdateProgress(
    step=updates.UpdateStep.DOWNLOADING, text="fetching 0.2.0", done_bytes=524_288, of_bytes=1_482_004
)
UPDATE_EVENT = updates.UpdateEvent(status=_STATUS)

UPDATES: dict[str, Example] = {
    updates.UPDATE_STATUS.name: Example(Empty(), _STATUS),
    updates.UPDATE_CHECK.name: Example(
        Empty(), _STATUS, updates.UpdateProgress(step=updates.UpdateStep.CHECKING, text="asking for releases")
    ),
    updates.UPDATE_DOWNLOAD.name: Example(updates.DownloadUpdate(version="0.2.0"), _STATUS, _DOWNLOADING),
    updates.UPDATE_APPLY.name: Example(
        updates.ApplyUpdate(version="0.2.0", now=True, wait_s=60.0),
        _STATUS,
        updates.UpdateProgress(step=updates.UpdateStep.WAITING, text="waiting for the payment of lane 1", lanes=("1",)),
    ),
    updates.UPDATE_HISTORY.name: Example(
        updates.UpdateHistoryQuery(limit=1),
        updates.UpdateHistory(
            records=(
                updates.UpdateRecord(
                    version="0.2.0",
                    outcome=updates.UpdateOutcome.ROLLED_BACK,
                    at_ms=AT_MS,
                    before="0.1.0",
                    by="cli",
                    text="transaction died 3 times within 4 s of its start",
                    took_ms=3200,
                ),
            )
        ),
    ),
    updates.UPDATE_ANSWER.name: Example(
        updates.AnswerNotice(notice_id="n-20260302", answer=updates.NoticeAnswer.UPDATE), _STATUS
    ),
    updates.PAYMENTS_HOLD.name: Example(
        updates.HoldPayments(ttl_s=10.0, why="update to 0.2.0"),
        updates.HeldPayments(under_way=1, lanes=("1",), unsettled=1, journal_revision="0003"),
    ),
    updates.PAYMENTS_RESUME.name: Example(Empty(), Empty()),
}

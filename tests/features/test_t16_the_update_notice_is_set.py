"""T16, its settings: notice on, automatic update off, 15 s of waiting. The notice itself comes with the updater."""

from __future__ import annotations

from tests.features.conftest import Run
from tpayd.cli.exits import Exit


def test_the_printed_defaults(run: Run) -> None:
    """In the group of updates, in the manual's words."""
    found = run("settings", "list", "--group", "updates", "--json").json["settings"]

    assert [
        ("store.updates.notice", "true", "업데이트 알림 기능 사용"),
        ("store.updates.automatic", "false", "업데이트 알림 후 자동 업데이트"),
        ("store.updates.notice_wait_s", "15.0", "업데이트 알림 화면 대기시간"),
    ] == [(each["name"], each["default"], each["ko"]) for each in found]


def test_a_wait_out_of_range_is_refused(run: Run) -> None:
    """By name."""
    refused = run("settings", "set", "updates.notice_wait_s=0")
    assert (Exit.USAGE, True) == (refused.status, "store.updates.notice_wait_s" in refused.err)

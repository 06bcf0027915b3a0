"""T22: logs are kept for a week [로그 저장 기간] and 512 MiB, from INFO on [로그 수집 레벨]; changes count at once."""

from __future__ import annotations

from tests.features.conftest import Run
from tests.harness import Store, eventually
from tpayd.cli.exits import Exit


def test_the_printed_defaults(run: Run) -> None:
    """7 days, 512 MiB, info, in every process."""
    found = run("settings", "list", "--group", "functions", "--json").json["settings"]
    kept = {each["default"] for each in found if each["path"] == "log_keep_days"}
    sizes = {each["default"] for each in found if each["path"] == "log_keep_mib"}
    levels = {each["default"] for each in found if each["path"] == "log_level"}

    assert ({"7"}, {"512"}, {'"info"'}) == (kept, sizes, levels)


def test_a_level_counts_at_once(shop: Store, run: Run) -> None:
    """Less is written from then on, and again more; no restart is asked for."""

    def heard(mark: str) -> bool:
        return any(line["event"] == "settings.changed" and mark in line["settings"] for line in shop.logs("host_link"))

    quiet = run("settings", "set", "host_link.log_level=warning")
    run("settings", "set", "host_link.log_files_max=31")
    loud = run("settings", "set", "host_link.log_level=info", "host_link.log_keep_days=8")
    eventually(lambda: heard("log_keep_days"), timeout_s=30, what="the change in the log")
    quietly = not heard("log_files_max")
    run("settings", "reset", "host_link.log_files_max", "host_link.log_keep_days")

    assert (Exit.OK, Exit.OK, True) == (quiet.status, loud.status, quietly)
    assert "restart" not in quiet.out + loud.out


def test_what_is_no_level_or_no_week_is_refused(run: Run) -> None:
    """The error names the setting."""
    level = run("settings", "set", "host_link.log_level=loud")
    week = run("settings", "set", "host_link.log_keep_days=0")

    assert (Exit.USAGE, True) == (level.status, "host_link.log_level" in level.err)
    assert (Exit.USAGE, True) == (week.status, "host_link.log_keep_days" in week.err)

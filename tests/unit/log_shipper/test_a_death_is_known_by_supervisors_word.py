"""A process that died by a fault is told from one that was told to end, by what supervisor writes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.log_shipper.crashes import CrashWatch, Death, deaths_in, may_ship

HEAD = "2026-01-31 12:00:00,123 "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("WARN exited: gateway (terminated by SIGSEGV; not expected)", [Death("gateway", "terminated by SIGSEGV")]),
        ("WARN exited: host_link (exit status 70; not expected)", [Death("host_link", "exit status 70")]),
        ("INFO exited: gateway (exit status 0; expected)", []),
        ("INFO stopped: gateway (terminated by SIGTERM)", []),
        ("INFO spawned: 'gateway' with pid 4711", []),
        ("WARN exited: ../x (exit status 1; not expected)", []),
    ],
)
def test_a_fault_is_no_order(line: str, expected: list[Death]) -> None:
    """And whatever else stands there is neither."""
    assert expected == deaths_in(f"{HEAD}{line}\n")


def died(process: str) -> str:
    return f"{HEAD}WARN exited: {process} (terminated by SIGKILL; not expected)\n"


def test_each_death_is_told_once_across_rotations_and_restarts(tmp_path: Path) -> None:
    """What was there before the first look of all is no news; half a line is waited for."""
    log, record = tmp_path / "supervisord.log", tmp_path / "crashes.seen"
    log.write_text(died("old"))
    watch = CrashWatch(log, record)
    told = [watch.look()]
    with log.open("a") as file:
        file.write(died("gateway") + HEAD)
    told += [watch.look(), watch.look()]
    with log.open("a") as file:
        file.write(died("host_link").removeprefix(HEAD))
    told.append(CrashWatch(log, record).look())
    log.rename(tmp_path / "supervisord.log.1")
    log.write_text(died("transaction"))
    told.append(CrashWatch(log, record).look())

    names = [[one.process for one in each] for each in told]
    assert [[], ["gateway"], [], ["host_link"], ["transaction"]] == names


def test_without_a_log_nobody_has_died(tmp_path: Path) -> None:
    """A store of bare processes has none; one that comes later is read from its start."""
    watch = CrashWatch(tmp_path / "supervisord.log", tmp_path / "crashes.seen")
    before = watch.look()
    (tmp_path / "supervisord.log").write_text(died("gateway"))

    assert ([], ["gateway"]) == (before, [one.process for one in watch.look()])


@pytest.mark.parametrize(
    ("last_ms", "now_ms", "expected"),
    [(None, 0, True), (0, 3_599_999, False), (0, 3_600_000, True), (5_000_000, 1000, True)],
)
def test_one_bundle_an_hour_is_enough(last_ms: int | None, now_ms: int, expected: bool) -> None:
    """A process that dies again and again fills no line; a clock that was set back stops nothing for good."""
    assert expected is may_ship(last_ms, now_ms, 60)

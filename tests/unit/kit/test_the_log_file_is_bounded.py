"""The log file: redacted, rotated, bounded in size, age and number, and never waited for."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.harness.clock import FakeClock
from tests.harness.waiting import eventually
from tpayd.kit import log_file
from tpayd.kit.log_file import LogFile, Retention

DAY_S = 86_400


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock) -> Iterator[LogFile]:
    file = LogFile(tmp_path, "gateway", clock, Retention(file_bytes=1_000, keep_days=7, files_max=3))
    yield file
    file.close()


def rotated(directory: Path) -> list[Path]:
    return sorted(directory.glob("gateway.*.jsonl"))


def test_lines_come_out_in_order_and_complete(tmp_path: Path, file: LogFile) -> None:
    """Closing flushes: nothing that was logged before is missing after."""
    file.retention = Retention()
    for number in range(5_000):
        file.write(f'{{"n":{number}}}')
    file.close()

    lines = (tmp_path / "gateway.jsonl").read_text().splitlines()
    assert list(range(5_000)) == [json.loads(line)["n"] for line in lines]


def test_a_card_number_does_not_reach_the_disk(tmp_path: Path, file: LogFile) -> None:
    """Redaction is on the way to the file, so that no logger can go around it."""
    file.write('{"event":"4111111111111111"}')
    file.close()

    assert "4111" not in (tmp_path / "gateway.jsonl").read_text()


def test_the_file_is_for_the_house_only(tmp_path: Path, file: LogFile) -> None:
    """Owner and group may read."""
    assert 0o640 == stat.S_IMODE((tmp_path / "gateway.jsonl").stat().st_mode)


def test_a_restart_appends(tmp_path: Path, clock: FakeClock) -> None:
    """What the last life wrote stays."""
    for life in (1, 2):
        file = LogFile(tmp_path, "gateway", clock, Retention())
        file.write(f'{{"life":{life}}}')
        file.close()

    assert 2 == len((tmp_path / "gateway.jsonl").read_text().splitlines())


def test_files_rotate_by_size_and_the_oldest_go(tmp_path: Path, clock: FakeClock) -> None:
    """However much is logged, at most so many files of at most that size stay."""
    for round_number in range(8):
        file = LogFile(tmp_path, "gateway", clock, Retention(file_bytes=1_000, files_max=3))
        file.write(json.dumps({"n": round_number, "pad": "x" * 900}))
        file.close()
        clock.advance(60)

    kept = rotated(tmp_path)
    assert 3 == len(kept)
    assert all(path.stat().st_size <= 1_000 for path in kept)
    assert [7] == [json.loads(line)["n"] for line in (tmp_path / "gateway.jsonl").read_text().splitlines()]


def test_files_older_than_the_retention_go(tmp_path: Path, clock: FakeClock) -> None:
    """One week is kept (T22): at start, older rotated files are deleted, and those of other services stay."""
    now_s = clock.unix_ms() / 1000
    for name, age_days in (("gateway.old", 8), ("gateway.young", 6), ("transaction.old", 8)):
        path = tmp_path / f"{name}.jsonl"
        path.touch()
        os.utime(path, times=(now_s, now_s - age_days * DAY_S))
    LogFile(tmp_path, "gateway", clock, Retention(keep_days=7)).close()

    assert ["gateway.jsonl", "gateway.young.jsonl", "transaction.old.jsonl"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_rotated_files_over_the_bytes_go_from_the_oldest_on(tmp_path: Path, clock: FakeClock) -> None:
    """However many days and files may stay (T22)."""
    now_s = clock.unix_ms() / 1000
    for age_h in range(1, 5):
        path = tmp_path / f"gateway.{age_h}.jsonl"
        path.write_bytes(b"x" * 100)
        os.utime(path, times=(now_s, now_s - age_h * 3600))
    LogFile(tmp_path, "gateway", clock, Retention(keep_bytes=250)).close()

    assert ["gateway.1.jsonl", "gateway.2.jsonl"] == [path.name for path in rotated(tmp_path)]


def test_a_change_of_the_limits_counts_with_the_next_line(tmp_path: Path, clock: FakeClock, file: LogFile) -> None:
    """A process that logs little rotates seldom; nobody waits for that."""
    old = tmp_path / "gateway.old.jsonl"
    old.touch()
    os.utime(old, times=(clock.unix_ms() / 1000, clock.unix_ms() / 1000 - 2 * DAY_S))
    file.retention = Retention(keep_days=1)
    file.write("{}")

    eventually(lambda: not old.exists(), timeout_s=10, what="the old file gone")


def test_rotations_within_a_second_lose_nothing(tmp_path: Path, file: LogFile) -> None:
    """A rotated file is never written over: the clock stands still, and each line has a file of its own."""
    file.retention = Retention(file_bytes=10, files_max=100)
    for number in range(4):
        file.write(f'{{"number":{number}}}')
        eventually(partial(has_lines, tmp_path, number + 1), timeout_s=5, what="the line on disk")
    file.close()

    assert 3 == len(rotated(tmp_path))


def has_lines(directory: Path, count: int) -> bool:
    try:
        return count == sum(len(path.read_text().splitlines()) for path in directory.glob("*.jsonl"))
    except FileNotFoundError:  # renamed while we looked
        return False


def test_a_stalled_disk_holds_nobody_up(file: LogFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write hangs, logging goes on at once; what the queue cannot hold is dropped and counted."""
    mended = threading.Event()
    monkeypatch.setattr(file, "_write", lambda _: mended.wait(60.0))
    for _ in range(log_file._QUEUE_MAX_LINES * 3):
        file.write("{}")

    assert file.dropped_lines >= log_file._QUEUE_MAX_LINES
    mended.set()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_loses_lines_and_says_how_many(tmp_path: Path, clock: FakeClock) -> None:
    """The process goes on, and writes again once there is room."""
    path = tmp_path / "gateway.jsonl"
    path.symlink_to("/dev/full")
    file = LogFile(tmp_path, "gateway", clock, Retention())
    file.write('{"n":1}')
    eventually(lambda: file.dropped_lines, timeout_s=5, what="the refused write")
    path.unlink()
    file.write('{"n":2}')
    file.close()

    assert 1 == file.dropped_lines
    assert '{"n":2}\n' == path.read_text()

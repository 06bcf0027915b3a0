"""`tpayd logs`: several files as one story, whole lines only, across a rotation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tpayd.cli.commands.logs_show import LogFiles


def line(service: str, second: int, level: str = "info") -> str:
    time = f"2026-01-01T00:00:{second:02}.000Z"
    return json.dumps({"time": time, "level": level, "service": service, "event": str(second)}) + "\n"


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def seconds(logs: LogFiles, level: str = "debug") -> list[int]:
    return [int(entry["event"]) for entry in logs.new(level)]


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[LogFiles]:
    """All logs of the test's directory."""
    with LogFiles(tmp_path, frozenset()) as files:
        yield files


def test_lines_of_several_processes_come_in_order_of_time(tmp_path: Path, logs: LogFiles) -> None:
    """Each line once, also of a process that begins to log later."""
    append(tmp_path / "a.jsonl", line("a", 1) + line("a", 4))
    append(tmp_path / "b.jsonl", line("b", 2) + line("b", 3))

    assert [1, 2, 3, 4] == seconds(logs)

    append(tmp_path / "c.jsonl", line("c", 5))
    append(tmp_path / "a.jsonl", line("a", 6))
    assert [5, 6] == seconds(logs)
    assert [] == seconds(logs)


def test_a_line_that_is_still_being_written_waits(tmp_path: Path, logs: LogFiles) -> None:
    """Half a line is shown when it is whole."""
    whole = line("a", 1)
    append(tmp_path / "a.jsonl", whole[:10])

    assert [] == seconds(logs)
    append(tmp_path / "a.jsonl", whole[10:])
    assert [1] == seconds(logs)


def test_a_rotation_loses_nothing(tmp_path: Path, logs: LogFiles) -> None:
    """The rest of the old file, then the new one; rotated files are no processes."""
    path = tmp_path / "a.jsonl"
    append(path, line("a", 1))
    assert [1] == seconds(logs)

    append(path, line("a", 2))
    path.rename(tmp_path / "a.20260101T000000Z.jsonl")
    append(path, line("a", 3))

    assert [2, 3] == seconds(logs)
    assert {"a"} == logs.names()


def test_only_what_is_severe_enough(tmp_path: Path, logs: LogFiles) -> None:
    """A level and all above it; a line that is no JSON is shown always."""
    append(tmp_path / "a.jsonl", line("a", 1, "debug") + line("a", 2, "warning") + "no JSON\n" + line("a", 3, "error"))

    assert {"2", "no JSON", "3"} == {entry["event"] for entry in logs.new("warning")}

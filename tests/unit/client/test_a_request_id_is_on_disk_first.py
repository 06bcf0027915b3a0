"""The request log: durable before the request leaves, readable after a crash, bounded."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from tpayd_client.errors import RequestLogError
from tpayd_client.request_log import COMPACT_ABOVE_BYTES, FileRequestLog, default_request_log

FULL = Path("/dev/full")


def ids(log: FileRequestLog) -> list[str]:
    return [entry.request_id for entry in log.unresolved()]


def test_begun_and_not_ended_is_unresolved_after_a_restart(tmp_path: Path) -> None:
    """In the order in which they were begun, with their lanes."""
    path = tmp_path / "deep" / "log.jsonl"
    log = FileRequestLog(path)
    for number in range(4):
        log.begin(f"lane-{number}", f"id-{number}")
    log.end("id-1", "PAID")
    again = FileRequestLog(path)
    assert ["id-0", "id-2", "id-3"] == ids(again)
    assert "lane-2" == again.unresolved()[1].lane
    log.close()
    again.close()


def test_begin_is_synced_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is in the file when the sync is asked for."""
    path = tmp_path / "log.jsonl"
    log = FileRequestLog(path)
    seen: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(b"id-1" in path.read_bytes()))
    log.begin("1", "id-1")
    assert [True] == seen
    log.close()


@pytest.mark.parametrize("torn", [b'{"begin":"id-9","la', b"\xff\xfe", b"[1]", b"null", b'{"begin":1}'])
def test_a_torn_line_is_skipped_and_swallows_nothing(tmp_path: Path, torn: bytes) -> None:
    """Neither what was before nor what comes after."""
    path = tmp_path / "log.jsonl"
    first = FileRequestLog(path)
    first.begin("1", "id-1")
    first.close()
    with path.open("ab") as file:
        file.write(torn)
    second = FileRequestLog(path)
    second.begin("1", "id-2")
    second.close()
    third = FileRequestLog(path)
    assert ["id-1", "id-2"] == ids(third)
    third.close()


def test_a_full_disk_stops_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RequestLogError, not started, with the file's name; the id is not taken for begun."""
    log = FileRequestLog(tmp_path / "log.jsonl")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RequestLogError, match=r"log\.jsonl.*No space left") as failure:
        log.begin("1", "id-1")
    assert ("not_started", "id-1") == (failure.value.outcome, failure.value.request_id)
    assert [] == ids(log)
    log.close()


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_verdict_is_told_though_the_log_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in its place would say that a payment that is PAID was not made; the lost line costs one question."""
    path = tmp_path / "log.jsonl"
    log = FileRequestLog(path)
    log.begin("1", "id-1")
    with FULL.open("wb", buffering=0) as full, monkeypatch.context() as there:
        there.setattr(log, "_file", full)
        log.end("id-1", "PAID")
    log.close()
    again = FileRequestLog(path)
    assert ["id-1"] == ids(again)
    again.close()


def test_a_line_that_a_full_disk_has_torn_swallows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next payment's line begins on its own, though the POS was not started again."""
    path = tmp_path / "log.jsonl"
    log = FileRequestLog(path)
    file = log._file
    with monkeypatch.context() as there:
        there.setattr(log, "_file", SimpleNamespace(write=lambda line: file.write(line[:9])))
        with pytest.raises(RequestLogError, match="only a part"):
            log.begin("1", "id-1")
    log.begin("1", "id-2")
    log.close()
    again = FileRequestLog(path)
    assert ["id-2"] == ids(again)
    again.close()


def test_a_place_that_cannot_be_written_is_named_at_once(tmp_path: Path) -> None:
    """At the start of the POS, not at the first sale."""
    (tmp_path / "file").touch()
    with pytest.raises(RequestLogError, match="cannot be written"):
        FileRequestLog(tmp_path / "file" / "log.jsonl")


def test_it_does_not_grow_for_ever(tmp_path: Path) -> None:
    """A log of finished payments is emptied at the next start; open ones are kept."""
    path = tmp_path / "log.jsonl"
    log = FileRequestLog(path)
    log.begin("1", "open")
    log.close()
    line = b'{"end":"0b1d2c3e-4f50-4617-8293-a4b5c6d7e8f9","verdict":"PAID"}\n'
    with path.open("ab") as file:
        file.write(line * (COMPACT_ABOVE_BYTES // len(line) + 1))
    again = FileRequestLog(path)
    assert ["open"] == ids(again)
    assert path.stat().st_size < 1_000
    again.close()


def test_each_client_has_a_place_of_its_own() -> None:
    """Two tills of one user must not share a file."""
    assert default_request_log("till-1") != default_request_log("till-2")

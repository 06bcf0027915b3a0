"""The last ten results of the files, and of each reader, on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tpayd.key_manager.integrity.book import Results, read_results, write_results
from tpayd_contracts.integrity import Finding, FindingKind, IntegrityResult


def result(at_ms: int, device: str | None = None, *, passed: bool = True) -> IntegrityResult:
    findings = () if passed else (Finding(FindingKind.CHANGED, "x.py differs", "x.py"),)
    return IntegrityResult(at_ms=at_ms, by="cli", passed=passed, device=device, findings=findings, found=len(findings))


def filled() -> Results:
    results = Results()
    for at_ms in range(12):
        results = results.put(result(at_ms, passed=at_ms % 2 == 0)).put(result(at_ms, "front")).put(result(0, "back"))
    return results


def test_ten_of_each() -> None:
    """Newest first; readers don't push out the files' results, nor one another's."""
    results = filled()

    assert list(range(11, 1, -1)) == [each.at_ms for each in results.files]
    assert list(range(11, 1, -1)) == [each.at_ms for each in results.readers["front"]]
    assert [("back", 0), ("front", 11)] == [(each.device, each.at_ms) for each in results.last_of_readers()]


def test_they_survive(tmp_path: Path) -> None:
    """What was written is read, and nothing where nothing was written."""
    assert Results() == read_results(tmp_path / "integrity.json")
    write_results(tmp_path / "integrity.json", filled())
    assert filled() == read_results(tmp_path / "integrity.json")


def test_a_reader_that_is_gone_is_forgotten() -> None:
    """Its last failure would otherwise be shown for ever."""
    assert {"front"} == filled().without_others({"front", "new"}).readers.keys()


def test_many_readers_make_room() -> None:
    """The ones that were tested longest ago go."""
    results = Results()
    for number in range(524):
        results = results.put(result(number, f"r{number}"))

    assert {f"r{number}" for number in range(12, 524)} == results.readers.keys()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"files": 1}'])
def test_a_damaged_file_is_no_result(tmp_path: Path, damage: bytes) -> None:
    """Whoever reads it is told."""
    (tmp_path / "integrity.json").write_bytes(damage)

    with pytest.raises(ValueError, match=r"."):
        read_results(tmp_path / "integrity.json")

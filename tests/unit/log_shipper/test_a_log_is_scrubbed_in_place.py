"""What must not be in a log is written over in place: its size stays, its other lines stay, its writer goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.log_shipper.bundles import CARD, line
from tpayd.log_shipper.packing import Wanted, Work, prove
from tpayd.log_shipper.scrubbing import scrubbed


@pytest.mark.parametrize(
    "planted", [line(2, note=CARD), CARD.encode() + b"\n", b"pin=1\n", line(2, pin="1234", a="b" * 99)]
)
def test_what_was_found_is_gone_and_nothing_else(tmp_path: Path, planted: bytes) -> None:
    """Line by line at the same places."""
    path = tmp_path / "gateway.jsonl"
    path.write_bytes(line(1) + planted + line(3))
    with path.open("ab") as writer:
        count = scrubbed(path)
        writer.write(line(4))
    after = path.read_bytes()

    assert (1, len(line(1) + planted + line(3) + line(4))) == (count, len(after))
    lines = after.splitlines(keepends=True)
    assert [line(1), line(3), line(4)] == [lines[0], *lines[2:]]
    assert ([], 0) == (prove(Wanted(tmp_path), Work())[0], scrubbed(path))


def test_what_remains_of_a_line_is_json(tmp_path: Path) -> None:
    """If there is room for it."""
    path = tmp_path / "gateway.jsonl"
    path.write_bytes(line(2, pin="x" * 30, more="x" * 50))
    scrubbed(path)

    assert "x" * 50 == json.loads(path.read_bytes())["more"]

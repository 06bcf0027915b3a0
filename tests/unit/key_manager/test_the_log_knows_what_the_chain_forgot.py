"""A store that was put back to an earlier copy is found by the heads that were logged meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from tpayd.key_manager.audit import shown_head
from tpayd.key_manager.verify_audit import LoggedHead, compare_with_log, logged_heads
from tpayd.kit.redaction import redact_text

CHAIN = tuple(bytes([number]) * 32 for number in range(5))
HEADS = [LoggedHead(number, shown_head(mac), "s") for number, mac in enumerate(CHAIN, start=1)]


def test_a_chain_that_has_only_grown_agrees() -> None:
    """Whichever of its heads the logs still know."""
    assert None is compare_with_log(CHAIN, HEADS)
    assert None is compare_with_log(CHAIN, HEADS[2:3])
    assert None is compare_with_log(CHAIN, [])


def test_a_shorter_one_is_found() -> None:
    """And it is said where it ends, and how far the log goes."""
    problem = compare_with_log(CHAIN[:3], HEADS) or ""
    assert ("entry 4" in problem, "ends at 3" in problem) == (True, True)


def test_one_that_has_gone_on_since_is_found() -> None:
    """Put back by two entries, then grown by three others."""
    other = (*CHAIN[:3], b"x" * 32, b"y" * 32, b"z" * 32)
    assert "another entry 4" in (compare_with_log(other, HEADS) or "")


def test_what_is_no_head_is_passed_over(tmp_path: Path) -> None:
    """Other lines of the log, cut ones, and garbage."""
    log = tmp_path / "key_manager.jsonl"
    line = {"event": "audit.added", "entries": 1, "head": "abc", "store": "s", "time": "now"}
    log.write_text(f'{json.dumps(line)}\n{{"event":"audit.added","entr\n{{"event":"process.ready"}}\nnoise\n')
    text = log.read_text().replace('": "audit.added"', '":"audit.added"')
    log.write_text(text)
    assert [LoggedHead(1, "abc", "s")] == list(logged_heads([log]))


def test_the_log_shows_every_head_whole() -> None:
    """A row of digits would be taken for a card number, and removed."""
    for mac in (bytes.fromhex("4111111111111111" * 4), *CHAIN):
        assert shown_head(mac) == redact_text(shown_head(mac))

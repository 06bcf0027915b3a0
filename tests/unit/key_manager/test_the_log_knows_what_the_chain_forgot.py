"""A store that was put back to an earlier copy is found by the heads that were logged meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import structs

from tpayd.key_manager.audit import AuditEntry, shown_head
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
    assert [LoggedHead(1, "abc", "s", "now")] == list(logged_heads([log]))


def test_the_log_shows_every_head_whole() -> None:
    """A row of digits would be taken for a card number, and removed."""
    for mac in (bytes.fromhex("4111111111111111" * 4), *CHAIN):
        assert shown_head(mac) == redact_text(shown_head(mac))


def test_what_a_lost_store_logged_is_no_fault_of_the_restored_one() -> None:
    """The chain itself says that it was restored; what was logged before that is of the other branch."""
    restored = AuditEntry(4, 1_800_000_000_000, "restored")
    chain = (*CHAIN[:3], b"r" * 32, b"s" * 32)
    lost = [structs.replace(head, time="2026-01-01T00:00:00.000Z") for head in HEADS]
    own = LoggedHead(5, shown_head(b"s" * 32), "s", "2027-06-01T00:00:00.000Z")
    assert None is compare_with_log(chain, [*lost, own], (restored,))
    later = [structs.replace(head, time="2027-06-01T00:00:00.000Z") for head in HEADS]
    assert "another entry 4" in (compare_with_log(chain, later, (restored,)) or "")
    changed = structs.replace(lost[1], head="other")
    assert "another entry 2" in (compare_with_log(chain, [changed], (restored,)) or "")

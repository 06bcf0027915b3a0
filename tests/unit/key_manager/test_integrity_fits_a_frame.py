"""However much is wrong at however many readers: what is told of it fits a frame, and no reader is left out."""

from __future__ import annotations

from collections.abc import Mapping

from tpayd.key_manager.integrity.reporting import FINDINGS_MAX_BYTES, Told, bounded, page_of_readers
from tpayd.kit.bus.wire import encode_body
from tpayd.kit.paging import PAGE_MAX_BYTES
from tpayd_contracts.envelope import MAX_FRAME_BYTES
from tpayd_contracts.integrity import (
    FINDINGS_SHOWN,
    RESULTS_KEPT,
    Finding,
    FindingKind,
    IntegrityReport,
    IntegrityResult,
    IntegrityState,
)

LONG = "고장" * 256
"""Of the most characters that a text may have; three bytes each."""


def failed(device: str | None = None, findings: int = 1, text: str = LONG) -> IntegrityResult:
    found = tuple(Finding(FindingKind.SELF_TEST, text, "" if device else text) for _ in range(findings))
    return IntegrityResult(at_ms=2**53 - 1, by="b" * 64, passed=False, device=device, findings=found, found=findings)


def pages(readers: Mapping[str, Told]) -> list[Told]:
    told, after = page_of_readers(readers, None)
    found = [told]
    while after is not None:
        told, after = page_of_readers(readers, after)
        found.append(told)
    return found


def test_readers_that_all_fail_come_in_pages() -> None:
    """Each once, by its newest result."""
    readers = {f"reader-{number}": (failed(f"reader-{number}"), failed("older")) for number in range(256)}

    told = pages(readers)

    assert sorted(readers) == [result.device for page in told for result in page]
    assert all(sum(len(encode_body(result)) for result in page) <= PAGE_MAX_BYTES for page in told)


def test_the_fullest_page_fits_a_frame() -> None:
    """With the files' results beside it, and what else a report says."""
    readers, _ = page_of_readers({f"{number:064}": (failed(f"{number:064}"),) for number in range(256)}, None)
    report = IntegrityReport(
        IntegrityState.FAILED, LONG, bounded([failed(findings=FINDINGS_SHOWN)] * RESULTS_KEPT), readers,
        ("0" * 16,) * 4, "1.0.0", 2**53 - 1, "n" * 64,
    )  # fmt: skip
    assert PAGE_MAX_BYTES < len(encode_body(report)) < MAX_FRAME_BYTES - 4096


def test_a_usual_store_needs_one_page() -> None:
    """256 readers that pass, and 64 that say in a sentence what is wrong."""
    well = {f"reader-{number}": (IntegrityResult(1, "daily", True, f"reader-{number}"),) for number in range(256)}
    ill = {f"reader-{number}": (failed(f"reader-{number}", text="no answer: its cable? " * 4),) for number in range(64)}

    assert [256, 64] == [len(page) for readers in (well, ill) for page in pages(readers)]


def test_the_newest_findings_are_told_first() -> None:
    """No result is left out; the last of them say by their count alone how much was found."""
    usual = failed(findings=FINDINGS_SHOWN, text="lib/python3.11/site-packages/tpayd/gateway/relay.py differs")

    told = bounded([usual] * RESULTS_KEPT)

    assert usual == told[0]
    assert ((), FINDINGS_SHOWN) == (told[-1].findings, told[-1].found)
    assert RESULTS_KEPT == len(told)
    assert sum(len(encode_body(finding)) for result in told for finding in result.findings) <= FINDINGS_MAX_BYTES


def test_what_fits_is_told_whole() -> None:
    one = failed(findings=2, text="relay.py differs")

    assert (one, one) == bounded([one, one])

"""256 readers of which each has failed with a long text: `integrity.status` tells of all of them, page by page."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Store
from tests.harness.command_line import tpayd
from tpayd.cli.exits import Exit
from tpayd.key_manager.integrity.book import Results, write_results
from tpayd_contracts.integrity import INTEGRITY_STATUS, Finding, FindingKind, IntegrityQuery, IntegrityResult

NAMES = sorted(f"reader-{number}" for number in range(256))
FINDING = Finding(FindingKind.SELF_TEST, "고장" * 256)


def test_each_is_told_once(tmp_path: Path) -> None:
    """To a POS and at the command line; the files' results come with the first page."""
    # Nobody tests them: the broker does not run.
    store = Store(tmp_path, services=("key_manager", "gateway"))
    failed: dict[str, tuple[IntegrityResult, ...]] = {
        name: (IntegrityResult(1, "daily", False, name, (FINDING,), 1),) for name in NAMES
    }
    files = (IntegrityResult(1, "start", True, files=3000),)
    write_results(store.instance.data_of("key_manager") / "integrity.json", Results(files, failed))
    with store:
        store.wait_ready(degraded=True, timeout_s=30)
        pages = [store.ask("key_manager", INTEGRITY_STATUS, IntegrityQuery(), name="gateway")]
        while (after := pages[-1].next) is not None:
            pages.append(store.ask("key_manager", INTEGRITY_STATUS, IntegrityQuery(after=after), name="gateway"))
        told = tpayd("integrity", "show", "--json", home=store.instance.home)

    assert NAMES == [result.device for page in pages for result in page.readers]
    assert [files, *[()] * (len(pages) - 1)] == [page.results for page in pages]
    assert len(pages) > 1
    assert (Exit.NO, NAMES) == (told.status, [result["device"] for result in told.json["readers"]])

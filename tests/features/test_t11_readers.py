"""T11, the readers' part: self-test at start, on reconnect and by hand; one that fails serves nobody, others do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.harness import Store, eventually
from tpayd_client import Pos, TpaydError
from tpayd_client.types import DeviceState, IntegrityReport, IntegrityResult, Verdict

AMOUNT = 11_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("t11-readers"), lanes=2, readers=2) as store:
        store.open_shop(card="visa-ic")
        yield store


@pytest.fixture
def pos(shop: Store) -> Iterator[Pos]:
    """All readers are sound and ready, before each test and after it."""
    with shop.client() as client:
        yield client
        for reader in shop.plan.reader_names:
            shop.sandbox.faulty(reader, faulty=False)
            shop.sandbox.plug(reader)
            wait_for(client, reader, DeviceState.READY)


def wait_for(pos: Pos, reader: str, state: DeviceState) -> None:
    def there() -> bool:
        return any(each.name == reader and each.state is state for each in pos.devices().devices)

    eventually(there, timeout_s=60, what=f"{reader} {state.value}")


def results(pos: Pos, reader: str) -> tuple[IntegrityResult, ...]:
    """What is kept of a reader, newest first."""
    return IntegrityReport.from_wire(pos.call("integrity.status", {"device": reader})).readers


def checked(pos: Pos, reader: str | None = None) -> IntegrityReport:
    body = {"scope": "readers"} | ({"device": reader} if reader else {})
    return IntegrityReport.from_wire(pos.call("integrity.check", body, ttl_s=100))


def test_at_start(pos: Pos) -> None:
    """Each connected reader has been tested, and the result is kept."""
    for reader in ("reader-1", "reader-2"):
        eventually(partial(results, pos, reader), timeout_s=60, what="a result")
        first = results(pos, reader)[-1]
        assert ("start", True, reader) == (first.by, first.passed, first.device)


def test_by_hand(pos: Pos) -> None:
    """Every reader, told one by one; date, result and who asked are new. The files are not checked by it."""
    told: list[str] = []

    report = IntegrityReport.from_wire(
        pos.call("integrity.check", {"scope": "readers"}, ttl_s=100, on_progress=lambda each: told.append(each["text"]))
    )

    assert [("reader-1", "cli", True), ("reader-2", "cli", True)] == [
        (each.device, each.by, each.passed) for each in report.readers
    ]
    assert {"reader reader-1", "reader reader-2"} <= set(told)
    assert () == report.results


def test_a_reader_whose_self_test_fails(shop: Store, pos: Pos) -> None:
    """It is named with its fault and lent to nobody; the other one serves both lanes; mended, it serves again."""
    shop.sandbox.faulty("reader-1")
    failed = checked(pos, "reader-1").readers[0]
    wait_for(pos, "reader-1", DeviceState.ABSENT)
    verdicts = [pos.sale(lane, AMOUNT).verdict for lane in ("1", "2")]
    shop.sandbox.faulty("reader-1", faulty=False)
    wait_for(pos, "reader-1", DeviceState.READY)
    mended = eventually(
        lambda: (newest := results(pos, "reader-1")[0]).passed and newest, timeout_s=60, what="a result that passed"
    )

    assert (False, ["self_test"]) == (failed.passed, [each.kind.value for each in failed.findings])
    assert "code 10" in failed.findings[0].text
    assert [Verdict.PAID, Verdict.PAID] == verdicts
    assert isinstance(mended, IntegrityResult)
    assert "reconnect" == mended.by


def test_no_reader_passes(shop: Store, pos: Pos) -> None:
    """A clear error, and nothing charged."""
    for reader in ("reader-1", "reader-2"):
        shop.sandbox.faulty(reader)
        checked(pos, reader)
        wait_for(pos, reader, DeviceState.ABSENT)

    sold = pos.sale("1", AMOUNT)

    assert (Verdict.NOT_PAID, "reader_unavailable") == (sold.verdict, sold.reason)


def test_on_reconnect(shop: Store, pos: Pos) -> None:
    """A reader that was pulled and put in again is tested before it is lent."""
    before = len(results(pos, "reader-2"))
    shop.sandbox.unplug("reader-2")
    wait_for(pos, "reader-2", DeviceState.ABSENT)
    shop.sandbox.plug("reader-2")
    wait_for(pos, "reader-2", DeviceState.READY)

    newest = eventually(
        lambda: (kept := results(pos, "reader-2"))[0].passed and kept[0].by == "reconnect" and kept[0],
        timeout_s=60, what="the result",
    )  # fmt: skip

    assert before > 0
    assert isinstance(newest, IntegrityResult)
    assert newest.passed


def test_ten_are_kept(pos: Pos) -> None:
    """Of each reader, newest first."""
    for _ in range(11):
        checked(pos, "reader-1")
    kept = results(pos, "reader-1")

    assert 10 == len(kept)
    assert sorted((each.at_ms for each in kept), reverse=True) == [each.at_ms for each in kept]


def test_a_reader_that_nobody_knows(pos: Pos) -> None:
    """Refused by name."""
    with pytest.raises(TpaydError, match="reader-9"):
        checked(pos, "reader-9")

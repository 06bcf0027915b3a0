"""A store is backed up while it sells, sells on, is lost, and is restored: money is neither lost nor taken twice.

The card host is the sandbox's, with its own book; it knows nothing of backups. What was sold after the backup is in
that book and in no journal.
"""

from __future__ import annotations

import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pyrage import x25519

from tests.harness import Store, eventually
from tests.harness.command_line import tpayd
from tpayd.backup.contents import PARTS
from tpayd.cli.exits import Exit
from tpayd_client import OutcomeUnknown
from tpayd_client.types import Balance, ErrorCode, Verdict
from tpayd_contracts.sandbox import LedgerEntry

LANES = ("1", "2")
SOLD_SINCE = 3
"""Payments of each lane after the backup."""
_WAIT_S = 60.0


@dataclass
class Sold:
    """What the lanes sold, and when the backup was taken."""

    file: Path
    before: list[tuple[str, str]] = field(default_factory=list)
    """Lane and request id of payments that were PAID before the backup began."""
    since: list[tuple[str, str]] = field(default_factory=list)
    """And after it had ended."""
    while_taken: int = 0
    ledger: list[LedgerEntry] = field(default_factory=list)


def sell(store: Store, lane: str, stop: threading.Event, sold: list[tuple[str, str]]) -> None:
    """One payment after the other."""
    with store.client() as pos:
        while not stop.is_set():
            result = pos.sale(lane, 1_000, timeout_s=_WAIT_S)
            assert Verdict.PAID == result.verdict
            sold.append((lane, result.request_id))


def backed_up(store: Store, directory: Path) -> Sold:
    """Both lanes sell all the while."""
    owner = x25519.Identity.generate()
    (directory / "key").write_text(f"{owner}\n")
    stop, sold = threading.Event(), {lane: list[tuple[str, str]]() for lane in LANES}
    lanes = [threading.Thread(target=sell, args=(store, lane, stop, sold[lane])) for lane in LANES]
    for lane in lanes:
        lane.start()
    try:
        eventually(lambda: all(len(each) >= 2 for each in sold.values()), timeout_s=_WAIT_S, what="two sales a lane")
        before = [one for each in sold.values() for one in each]
        said = tpayd(
            "backup", "create", "--to", str(directory / "to"), "--recipient", str(owner.to_public()), "--json",
            home=store.instance.home,
        )  # fmt: skip
        assert Exit.OK == said.status, said.err
        taken = {lane: len(each) for lane, each in sold.items()}
        eventually(
            lambda: all(len(sold[lane]) >= count + SOLD_SINCE for lane, count in taken.items()), timeout_s=_WAIT_S,
            what="more sales on each lane",
        )  # fmt: skip
    finally:
        stop.set()
        for lane in lanes:
            lane.join(_WAIT_S)
    since = [one for lane in LANES for one in sold[lane][taken[lane] + 1 :]]
    return Sold(Path(said.json["file"]), before, since, sum(taken.values()) - len(before), store.sandbox.ledger())


def lost_and_restored(store: Store, sold: Sold, directory: Path) -> None:
    """The machine is lost but for the card host's book; logs are still there."""
    for name in store.running():
        store.kill(name)
    for part in PARTS:
        place = store.instance.home / part
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()
    said = tpayd(
        "backup", "restore", str(sold.file), "--yes", "--identity", str(directory / "key"),
        home=store.instance.home,
    )  # fmt: skip
    assert Exit.OK == said.status, said.err
    for name in store._wanted:
        store.instance.run_file(name, "starts").unlink(missing_ok=True)
    store.start(*store._wanted)
    store.wait_ready(timeout_s=_WAIT_S)
    store.hold_cards("visa-tap")


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Sold]]:
    directory = tmp_path_factory.mktemp("restored")
    with Store(directory) as store:
        store.open_shop(card="visa-tap")
        sold = backed_up(store, directory)
        lost_and_restored(store, sold, directory)
        yield store, sold


def test_a_restored_store_loses_no_money_and_takes_none_twice(restored: tuple[Store, Sold]) -> None:
    """From the first question of a POS to the close of the day, in the order in which it happens in a store."""
    store, sold = restored
    with closing(store.client()) as pos:
        for lane, request_id in sold.before:
            assert Verdict.PAID == pos.status(lane, request_id).verdict
        for lane, request_id in sold.since:
            with pytest.raises(OutcomeUnknown) as unknown:
                pos.call("payment.status", {"lane": lane, "request_id": request_id})
            assert (ErrorCode.RESTORED, False) == (unknown.value.code, unknown.value.retryable)
        booked = len(store.sandbox.ledger())
        for lane, request_id in sold.since:
            with pytest.raises(OutcomeUnknown):
                pos.sale(lane, 1_000, request_id=request_id, timeout_s=_WAIT_S)
        assert booked == len(store.sandbox.ledger()), "a repeat was charged again"
        for lane in LANES:
            assert Verdict.PAID == pos.sale(lane, 2_000, timeout_s=_WAIT_S).verdict
        report = pos.close_business()
        assert (Balance.DIFFERENT, True) == (report.balance, report.restored is not None)
    entries = store.sandbox.ledger()
    numbers = [(entry.terminal_id, entry.business_day, entry.stan) for entry in entries]
    assert len(numbers) == len(set(numbers))
    old = {(entry.terminal_id, entry.stan) for entry in sold.ledger}
    fresh = [entry for entry in entries if (entry.terminal_id, entry.stan) not in old]
    assert len(LANES) == len(fresh)
    assert all(int(entry.stan) > 500_000 for entry in fresh)


def test_the_chains_hold_and_say_that_it_was_restored(restored: tuple[Store, Sold]) -> None:
    """Journal and key audit, the latter compared with the log of the lost store."""
    store, _ = restored
    for words in (("journal", "verify"), ("keys", "audit", "verify")):
        said = tpayd(*words, home=store.instance.home)
        assert Exit.OK == said.status, said.out + said.err
    shown = tpayd("keys", "audit", "show", "--json", home=store.instance.home).json["entries"]
    assert "restored" in [entry["event"] for entry in shown]


def test_payments_went_on_while_it_was_taken(restored: tuple[Store, Sold]) -> None:
    """On both lanes together."""
    assert restored[1].while_taken > 0


def test_an_id_that_was_never_used_is_doubted_too(restored: tuple[Store, Sold]) -> None:
    """Nobody can tell it from one of the gap: `tpayd` says so with the status for 'not known'."""
    store, _ = restored
    said = tpayd("payment", "status", str(uuid.uuid4()), home=store.instance.home)
    assert (Exit.UNKNOWN, True) == (said.status, "restored" in said.err)


def test_the_doctor_finds_it_well(restored: tuple[Store, Sold]) -> None:
    """Each process answers; but for those that this store does not start, and payments that no till acknowledged."""
    store, _ = restored
    said = tpayd("doctor", "--json", home=store.instance.home).json
    wrong = {each["check"] for each in said["findings"] if each["level"] == "problem"}
    assert set() == wrong - {"daemon"}, said["findings"]
    known = {each["check"] for each in said["findings"] if each["level"] == "ok"}
    assert {"settings", "ports", "versions", "journal", "keys", "host line", "readers", "backup"} <= known

"""Openings and deletions are staged: they count when they are committed, as a whole, and never otherwise (T20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.transaction.terminal_desk import SESSION_S, Office, run
from tpayd.kit.bus import CallError
from tpayd.kit.settings import SettingsError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.terminal import TERMINALS_MAX, DownloadMerchant, OpenTerminals

MANY = [f"MANY{number:04d}" for number in range(TERMINALS_MAX)]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_an_opening_counts_after_the_commit_and_after_a_restart(office: Office) -> None:
    """Before it, the terminal is on no list but the staged one."""

    async def story() -> None:
        opened = await office.open("TPAY0001", "TPAY0002")
        assert opened.list.staged is not None
        assert ["TPAY0001", "TPAY0002"] == [terminal.terminal_id for terminal in opened.list.staged.opened]
        assert [] == office.open_ids
        await office.desk.commit("cli")

    run(story())

    assert ["TPAY0001", "TPAY0002"] == office.open_ids == office.reopened().open_ids
    assert None is office.desk.list().staged


def test_discard_undoes_openings_and_deletions(office: Office) -> None:
    """The list is what it was when the first change was staged."""

    async def story() -> None:
        await office.open("TPAY0001")
        await office.desk.commit("cli")
        await office.open("TPAY0002")
        office.delete("TPAY0001")
        office.desk.discard("cli")

    run(story())

    assert (["TPAY0001"], None) == (office.open_ids, office.desk.list().staged)


def test_one_commit_takes_openings_and_deletions_together(office: Office) -> None:
    """What was opened is there, what was deleted is gone, on disk as in memory."""

    async def story() -> None:
        await office.open("TPAY0001")
        await office.desk.commit("cli")
        office.delete("TPAY0001")
        await office.open("TPAY0002")
        await office.desk.commit("cli")

    run(story())

    assert ["TPAY0002"] == office.open_ids == office.reopened().open_ids


def test_a_restart_drops_what_is_staged(office: Office) -> None:
    """Nothing of it was ever on disk."""
    run(office.open("TPAY0001"))

    again = office.reopened()

    assert ([], None) == (again.open_ids, again.desk.list().staged)


def test_staged_changes_are_dropped_after_their_time(office: Office) -> None:
    """Each change starts the time anew; a commit after it has nothing to commit."""
    run(office.open("TPAY0001"))
    office.clock.advance(SESSION_S - 1)
    run(office.open("TPAY0002"))
    office.clock.advance(SESSION_S - 1)
    office.desk.expire()
    assert None is not office.desk.list().staged

    office.clock.advance(1)
    office.desk.expire()

    assert None is office.desk.list().staged
    with pytest.raises(CallError) as refused:
        run(office.desk.commit("cli"))
    assert ErrorCode.NOT_FOUND == refused.value.code


def test_a_26th_terminal_is_refused_before_the_host_is_asked(office: Office) -> None:
    """25 in all, staged ones counted; one deleted makes room for one."""

    async def story() -> None:
        await office.open(*MANY)
        office.host.asked.clear()
        with pytest.raises(CallError) as refused:
            await office.open("TPAY0001")
        assert (ErrorCode.INVALID_BODY, Outcome.NOT_STARTED, "$.terminal_ids") == (
            refused.value.code, refused.value.outcome, refused.value.field,
        )  # fmt: skip
        assert "25" in refused.value.message
        assert [] == office.host.asked

        office.delete(MANY[0])
        await office.open("TPAY0001")
        await office.desk.commit("cli")

    run(story())

    assert {*MANY[1:], "TPAY0001"} == set(office.open_ids)


def test_a_26th_terminal_is_refused_when_25_are_committed(office: Office) -> None:
    """The bound is on the whole list, not on one session."""

    async def story() -> None:
        await office.open(*MANY)
        await office.desk.commit("cli")
        with pytest.raises(CallError):
            await office.open("TPAY0001")
        assert office.open_ids == MANY
        await office.open(MANY[3])  # one that is open already takes no further place

    run(story())


def test_what_the_host_refuses_is_not_staged(office: Office) -> None:
    """The others are, and each refusal has the host's code."""
    office.host.refusals["TPAY0002"] = "58"

    opened = run(office.open("TPAY0001", "TPAY0002"))

    assert [("TPAY0001", True, None), ("TPAY0002", False, "58")] == [
        (each.terminal_id, each.opened, each.code) for each in opened.openings
    ]
    assert opened.list.staged is not None
    assert ["TPAY0001"] == [terminal.terminal_id for terminal in opened.list.staged.opened]


def test_nothing_is_staged_where_nothing_was_opened(office: Office) -> None:
    """A session begins with its first change."""
    office.host.refusals["TPAY0001"] = "58"

    assert None is run(office.open("TPAY0001")).list.staged


def test_another_client_waits_its_turn(office: Office) -> None:
    """Two people's changes are never mixed; who holds them is named."""
    run(office.open("TPAY0001", by="cli"))

    for attempt in (office.open("TPAY0002", by="console"), office.desk.commit("console")):
        with pytest.raises(CallError, match="cli") as refused:
            run(attempt)
        assert ErrorCode.BUSY == refused.value.code


def test_deleting_what_is_not_on_the_list_deletes_nothing(office: Office) -> None:
    """The unknown one is named, and the known one stays."""

    async def story() -> None:
        await office.open("TPAY0001")
        await office.desk.commit("cli")

    run(story())

    with pytest.raises(CallError, match="TPAY0009") as refused:
        office.delete("TPAY0001", "TPAY0009")

    assert ErrorCode.NOT_FOUND == refused.value.code
    assert (["TPAY0001"], None) == (office.open_ids, office.desk.list().staged)


def test_doubts_warn_and_do_not_block(office: Office) -> None:
    """A check digit that does not fit, and a terminal that no lane has."""

    async def story() -> tuple[str, ...]:
        return (await office.desk.open("cli", OpenTerminals("1234567890", ("OTHER001",)))).warnings

    digit, lane = run(story())

    assert "1234567890" in digit
    assert "OTHER001" in lane


def test_a_disk_that_refuses_leaves_everything_as_it_was(office: Office) -> None:
    """The commit fails without effect, and can be repeated when the disk takes it again."""
    run(office.open("TPAY0001"))
    office.registers.path.with_name(".terminals.json.new").mkdir()

    with pytest.raises(CallError) as refused:
        run(office.desk.commit("cli"))
    assert (ErrorCode.STORAGE_FAILED, Outcome.FAILED) == (refused.value.code, refused.value.outcome)
    assert [] == office.open_ids

    office.registers.path.with_name(".terminals.json.new").rmdir()
    run(office.desk.commit("cli"))
    assert ["TPAY0001"] == office.reopened().open_ids


def test_a_damaged_list_is_refused_by_name(office: Office) -> None:
    """The process doesn't start as if nothing were open; the message names the file."""
    office.registers.path.write_text('{"fraud_cancel_prevention": tru')

    with pytest.raises(SettingsError, match=r"terminals\.json.*damaged"):
        office.reopened()


def test_merchants_are_kept_for_each_terminal(office: Office) -> None:
    """A download replaces the one before, and survives a restart."""

    async def story() -> None:
        for _ in range(2):
            await office.desk.download_merchant(DownloadMerchant("1048658278", "TPAY0001"))

    run(story())

    again = office.reopened().desk
    assert ["Corner Shop"] == [merchant.name for merchant in again.merchants]
    assert again.merchants[0] == again.merchant("TPAY0001")
    assert None is again.merchant("TPAY0002")

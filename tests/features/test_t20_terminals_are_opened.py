"""T20: opening transactions [개시거래]: several at once, committed together, undone together, 25 in all."""

from __future__ import annotations

from tests.features.conftest import Run
from tpayd.cli.exits import Exit

NUMBER = "1234567891"


def listed(run: Run) -> set[str]:
    return {each["terminal_id"] for each in run("terminal", "list", "--json").json["terminals"]}


def test_what_is_deleted_and_opened_counts_when_it_is_committed(run: Run) -> None:
    """[선택항목 삭제], [개시요청], [확인]."""
    before = listed(run)
    run("terminal", "delete", "TPAY0002")
    staged = listed(run)
    run("terminal", "commit")
    deleted = listed(run)
    opened = run("terminal", "open", "TPAY0002", "--commit")

    assert (before, before - {"TPAY0002"}) == (staged, deleted)
    assert (Exit.OK, before) == (opened.status, listed(run))


def test_a_discard_undoes_everything(run: Run) -> None:
    """[취소]"""
    before = listed(run)
    run("terminal", "delete", "TPAY0001")
    run("terminal", "delete", "TPAY0002")
    run("terminal", "discard")
    run("terminal", "commit")

    assert before == listed(run)


def test_more_than_25_are_refused(run: Run) -> None:
    """The rest is named, the list stays as it is."""
    before = listed(run)
    refused = run("terminal", "open", *(f"TPAY1{number:03}" for number in range(26)))
    run("terminal", "discard")

    assert Exit.OK != refused.status
    assert "25" in refused.out + refused.err
    assert before == listed(run)

"""While prevention is on, a terminal that is not open is refused with a way out (T21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.transaction.terminal_desk import Office, run
from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.terminal import SetPassword, SetPrevention

PASSWORD = "correct horse"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    run(office.open("TPAY0001"))
    run(office.desk.commit("cli"))
    return office


def test_an_open_terminal_is_admitted(office: Office) -> None:
    """It is not among the refused ones."""
    office.desk.admit("1", "TPAY0001")

    assert ("TPAY0002",) == office.desk.refused


def test_another_one_is_refused_before_anything_starts(office: Office) -> None:
    """The error names terminal, lane and command."""
    with pytest.raises(CallError) as refused:
        office.desk.admit("2", "TPAY0002")

    error = refused.value
    assert (ErrorCode.TERMINAL_NOT_OPEN, Outcome.NOT_STARTED) == (error.code, error.outcome)
    assert "terminal TPAY0002 of lane 2" in error.message
    assert "tpayd terminal open TPAY0002" in error.message


def test_a_deleted_one_is_refused_from_the_commit_on(office: Office) -> None:
    """A staged deletion changes nothing yet."""
    office.delete("TPAY0001")
    office.desk.admit("1", "TPAY0001")

    run(office.desk.commit("cli"))

    with pytest.raises(CallError):
        office.desk.admit("1", "TPAY0001")


def test_off_no_opening_is_needed(office: Office) -> None:
    """Every terminal is admitted, and none is listed as refused."""
    run(office.desk.set_password("cli", SetPassword(new=PASSWORD)))
    run(office.desk.set_prevention("cli", SetPrevention(on=False, password=PASSWORD)))

    office.desk.admit("2", "TPAY0002")

    assert () == office.desk.refused

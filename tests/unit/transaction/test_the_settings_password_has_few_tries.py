"""Prevention is switched by whoever knows the password; guesses are few, counted on disk, and locked out (T21)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.transaction.terminal_desk import Office, run
from tpayd.kit.bus import CallError
from tpayd.transaction.terminals.password import FREE_TRIES, LOCK_FIRST_S, LOCK_MAX_S, PasswordRecord
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.terminal import SetPassword, SetPrevention

RIGHT, WRONG = "correct horse", "wrong horses"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    run(office.desk.set_password("cli", SetPassword(new=RIGHT)))
    return office


def switch(office: Office, password: str, *, on: bool = False) -> str | None:
    """Try to switch prevention; the refusal's detail, or None if it was switched."""
    try:
        run(office.desk.set_prevention("cli", SetPrevention(on=on, password=password)))
    except CallError as error:
        return error.detail if error.code == ErrorCode.NOT_PERMITTED else error.code
    return None


def test_it_is_on_from_the_first_install(tmp_path: Path) -> None:
    """An instance without any file refuses every terminal."""
    desk = Office(tmp_path).desk

    assert desk.list().fraud_cancel_prevention
    assert ("TPAY0001", "TPAY0002") == desk.refused


def test_the_right_password_switches_it_for_good(office: Office) -> None:
    """Off survives a restart, and so does on again."""
    assert None is switch(office, RIGHT)
    assert (False, ()) == (office.desk.list().fraud_cancel_prevention, office.reopened().desk.refused)

    assert None is switch(office, RIGHT, on=True)
    assert office.reopened().desk.list().fraud_cancel_prevention


def test_nothing_is_switched_while_no_password_is_set(tmp_path: Path) -> None:
    """The error names the command that sets one."""
    with pytest.raises(CallError, match="tpayd password set") as refused:
        run(Office(tmp_path).desk.set_prevention("cli", SetPrevention(on=False, password=WRONG)))

    assert ErrorCode.NOT_FOUND == refused.value.code


def test_guesses_are_locked_out_for_growing_times(office: Office) -> None:
    """After the free tries even the right password waits; each further wrong one doubles the wait."""
    assert ["wrong_password"] * FREE_TRIES == [switch(office, WRONG) for _ in range(FREE_TRIES)]
    assert "locked" == switch(office, RIGHT)
    office.clock.advance(LOCK_FIRST_S - 1)
    assert "locked" == switch(office, RIGHT)

    office.clock.advance(1)
    assert "wrong_password" == switch(office, WRONG)
    office.clock.advance(2 * LOCK_FIRST_S - 1)
    assert "locked" == switch(office, RIGHT)

    office.clock.advance(1)
    assert None is switch(office, RIGHT)
    assert "wrong_password" == switch(office, WRONG)
    assert None is switch(office, RIGHT)


def test_a_restart_gives_no_try_back(office: Office) -> None:
    """Tries and lock are on disk."""
    for _ in range(FREE_TRIES):
        office = office.reopened()
        assert "wrong_password" == switch(office, WRONG)

    assert "locked" == switch(office.reopened(), RIGHT)


def test_a_try_counts_before_it_is_judged(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed while it compares has used up the try."""
    counted: list[int] = []

    def compare(self: PasswordRecord, _: str) -> bool:
        found = office.passwords.read()
        assert found is not None
        counted.append(found.wrong_tries)
        return False

    monkeypatch.setattr(PasswordRecord, "fits", compare)
    switch(office, WRONG)

    assert [1] == counted


def test_a_clock_set_back_begins_the_lock_anew_and_no_more(office: Office) -> None:
    """It neither ends the lock nor lasts until the clock has caught up."""
    for _ in range(FREE_TRIES):
        switch(office, WRONG)
    office.clock.step(-365 * 86_400)

    assert "locked" == switch(office, RIGHT)
    office.clock.advance(LOCK_FIRST_S)
    assert None is switch(office, RIGHT)


def test_a_lock_grows_to_its_bound(office: Office) -> None:
    """An hour at most, however many tries there were."""
    found = office.passwords.read()
    assert found is not None
    for _ in range(40):
        found = found.tried(0)

    assert LOCK_MAX_S == found.locked_for_s(0)


def test_the_password_is_in_no_file_and_no_repr(office: Office) -> None:
    """The file holds a digest, for its owner's eyes only."""
    path = office.passwords.path

    assert RIGHT not in path.read_text()
    assert 0o600 == path.stat().st_mode & 0o777
    asked = (SetPassword(new=RIGHT, old=WRONG), SetPrevention(on=False, password=RIGHT), office.passwords.read())
    assert [] == [text for text in map(repr, asked) if RIGHT in text or WRONG in text or "digest" in text]


def test_another_password_needs_the_old_one(office: Office) -> None:
    """A wrong old one counts like any wrong try; the new one works at once and after a restart."""
    new = "battery staple"
    with pytest.raises(CallError) as without:
        run(office.desk.set_password("cli", SetPassword(new=new)))
    with pytest.raises(CallError) as wrong:
        run(office.desk.set_password("cli", SetPassword(new=new, old=WRONG)))
    assert ("$.old", "wrong_password") == (without.value.field, wrong.value.detail)

    run(office.desk.set_password("cli", SetPassword(new=new, old=RIGHT)))

    assert "wrong_password" == switch(office.reopened(), RIGHT)
    assert None is switch(office.reopened(), new)

"""Fraud-cancel prevention is on from the first install; a sandbox sells all the same (T21)."""

from __future__ import annotations

from pathlib import Path

from tpayd.provision import Plan, found
from tpayd.transaction.terminals.files import PasswordFile, RegisterFile
from tpayd_contracts.terminal import TERMINALS_MAX


def test_a_live_store_begins_with_prevention_and_no_terminal(tmp_path: Path) -> None:
    """Nothing is open before the host has opened it."""
    register = RegisterFile(found(Plan(sandbox=False, lanes=3), tmp_path / "store").data).read()

    assert (True, ()) == (register.fraud_cancel_prevention, register.of("live").terminals)


def test_a_sandbox_has_its_lanes_open_and_marked(tmp_path: Path) -> None:
    """Under its test host; nobody can take them for terminals of a live one."""
    register = RegisterFile(found(Plan(sandbox=True, lanes=3), tmp_path / "store").data).read()

    assert register.fraud_cancel_prevention
    assert [("TPAY0001", True), ("TPAY0002", True), ("TPAY0003", True)] == [
        (terminal.terminal_id, terminal.sandbox) for terminal in register.of("test").terminals
    ]
    assert () == register.of("live").terminals


def test_a_sandbox_with_more_lanes_than_terminals_can_be_open(tmp_path: Path) -> None:
    """The list is full, and prevention off, so that every lane sells."""
    register = RegisterFile(found(Plan(sandbox=True, lanes=TERMINALS_MAX + 1), tmp_path / "store").data).read()

    assert (False, TERMINALS_MAX) == (register.fraud_cancel_prevention, len(register.of("test").terminals))


def test_the_settings_password_is_kept_as_a_digest(tmp_path: Path) -> None:
    """It fits, it is in no file, and it is in no repr of the plan."""
    password = "correct horse"
    plan = Plan(sandbox=False, password=password)
    instance = found(plan, tmp_path / "store")

    record = PasswordFile(instance.secrets).read()
    assert record is not None
    assert (True, False) == (record.fits(password), record.fits("wrong horses"))
    assert password not in repr(plan)
    assert [] == [
        path for path in instance.home.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
    ]


def test_without_a_password_none_is_set(tmp_path: Path) -> None:
    """`tpayd password set` sets the first one."""
    assert None is PasswordFile(found(Plan(sandbox=False), tmp_path / "store").secrets).read()

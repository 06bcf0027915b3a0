"""T21: fraud-cancel prevention [부정취소 방지]: on from the start; changing it needs the password."""

from __future__ import annotations

from pathlib import Path

from tests.features.conftest import Run
from tests.harness import Store
from tpayd.cli.exits import Exit

SETTING = "transaction.fraud_cancel_prevention"


def shown(run: Run) -> str:
    (setting,) = run("settings", "show", SETTING, "--json").json["settings"]
    assert ("true", True) == (setting["default"], setting["needs_password"])
    return str(setting["value"])


def test_it_is_switched_with_the_password_alone(shop: Store, run: Run, tmp_path: Path) -> None:
    """Among the other settings, and counts at once; a wrong password, or none, changes nothing."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("correct horse")
    wrong.write_text("battery staple")
    unset = run("settings", "set", f"{SETTING}=false", "--password-file", str(right))
    run("password", "set", "--password-file", str(right))

    none = run("settings", "set", f"{SETTING}=false")
    refused = run("settings", "set", f"{SETTING}=false", "--password-file", str(wrong))
    still = shown(run)
    off = run("settings", "set", f"{SETTING}=false", "--password-file", str(right))
    changed = shown(run)
    on = run("settings", "set", f"{SETTING}=true", "--password-file", str(right))

    assert (Exit.REFUSED, True) == (unset.status, "tpayd password set" in unset.err)
    assert (Exit.USAGE, Exit.REFUSED, "true") == (none.status, refused.status, still)
    assert (Exit.OK, "false", Exit.OK, "true") == (off.status, changed, on.status, shown(run))


def test_it_is_changed_by_itself(run: Run) -> None:
    """It is not kept in the file, so it cannot be all or nothing with what is."""
    with_another = run("settings", "set", f"{SETTING}=false", "transaction.card_wait_s=40", "--dry-run")
    assert (Exit.USAGE, True) == (with_another.status, "by itself" in with_another.err)


def test_while_it_is_on_an_unopened_terminal_sells_nothing(run: Run) -> None:
    """The error says what to do."""
    run("terminal", "delete", "TPAY0002")
    run("terminal", "commit")
    refused = run("sale", "11000", "--lane", "2")
    opened = run("terminal", "open", "TPAY0002", "--commit")

    assert (Exit.REFUSED, True) == (refused.status, "tpayd terminal open TPAY0002" in refused.err)
    assert Exit.OK == opened.status

"""`tpayd sale` and `tpayd payment`: what a person reads and what a script gets."""

from __future__ import annotations

import signal
import uuid
from pathlib import Path

import pytest

from tests.harness import Store
from tests.harness.command_line import begin
from tests.integration.cli.conftest import Run
from tpayd.cli.exits import Exit
from tpayd_contracts.sandbox import HostMode


def test_a_person_sees_each_step_and_the_verdict(run: Run, store: Store) -> None:
    """Progress line by line, then PAID, amount with its parts, approval, masked card and time split."""
    for reader in store.plan.reader_names:
        store.sandbox.auto(reader, "visa-ic", delay_ms=300)
    store.sandbox.host(HostMode.APPROVE, delay_ms=300, times=1)

    said = run("sale", "11000", "--vat", "1000")

    assert (Exit.OK, "") == (said.status, said.err)
    steps = [line for line in said.out.splitlines() if line.startswith("· ")]
    assert len(steps) >= 2
    assert "PAID  " in said.out
    for fact in ("11,000 won (of it VAT 1,000 won)", "411111******1111", "approval", "customer", "host", "daemon"):
        assert fact in said.out
    assert "\x1b" not in said.out


def test_a_script_gets_one_json_document(run: Run) -> None:
    """The contract's own PaymentResult, and not a byte beside it."""
    said = run("sale", "5000", "--lane", "2", "--reference", "R-1", "--json")

    assert (Exit.OK, "") == (said.status, said.err)
    assert ("PAID", "2", "R-1") == tuple(said.json[name] for name in ("verdict", "lane", "reference"))


def test_a_decline_is_not_paid(run: Run, store: Store) -> None:
    """Exit status 1, with the host's code."""
    store.sandbox.host(HostMode.DECLINE, code="61", times=1)

    said = run("sale", "5000", "--json")

    assert Exit.NO == said.status
    assert ("NOT_PAID", "61") == (said.json["verdict"], said.json["response_code"])


def test_an_interrupted_sale_says_how_to_learn_its_outcome(run: Run, store: Store) -> None:
    """Ctrl-C while the customer is asked for the card: not known, and the command that it names knows: NOT PAID."""
    store.hold_cards("")
    process = begin("sale", "5000", home=store.instance.home, PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("· ")

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    store.hold_cards("visa-ic")
    words = err.split()
    asked = run(*words[words.index("payment") :], "--json")

    assert Exit.UNKNOWN == process.returncode
    assert (Exit.NO, "aborted") == (asked.status, asked.json["state"])


def test_a_payment_can_be_asked_for_and_acknowledged(run: Run) -> None:
    """The request id that a sale prints leads back to it."""
    request_id = run("sale", "5000", "--json").json["request_id"]

    asked = run("payment", "status", request_id)
    acknowledged = run("payment", "acknowledge", request_id, "--json")

    assert (Exit.OK, True) == (asked.status, request_id in asked.out)
    assert (Exit.OK, "closed") == (acknowledged.status, acknowledged.json["state"])


def test_a_payment_that_was_never_seen_is_not_paid(run: Run) -> None:
    """Exit status 1, and the reason."""
    said = run("payment", "status", str(uuid.uuid4()), "--json")

    assert (Exit.NO, "never_seen") == (said.status, said.json["reason"])


def test_a_finished_payment_cannot_be_aborted(run: Run) -> None:
    """Refused as too late, which is no verdict about the payment."""
    request_id = run("sale", "5000", "--json").json["request_id"]

    said = run("payment", "abort", request_id, "--json")

    assert (Exit.REFUSED, "too_late") == (said.status, said.json["error"]["code"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sale", "0"), "AMOUNT"),
        (("sale", "1.5"), "AMOUNT"),
        (("sale", "1000", "--vat", "1001"), "total_minor"),
        (("sale", "1000", "--installments", "1"), "installments"),
        (("sale", "1000", "--lane", "no lane"), "lane"),
        (("payment", "status", "42"), "REQUEST_ID"),
        (("sale", "1000", "--key-file", "/no/such.key"), "/no/such.key"),
    ],
)
def test_wrong_use_is_told_apart_from_a_refusal(run: Run, arguments: tuple[str, ...], words: str) -> None:
    """Exit status 2 with the field's name; nothing was started."""
    said = run(*arguments)

    assert (Exit.USAGE, "") == (said.status, said.out)
    assert words in said.err


def test_a_lane_pc_pays_with_its_key_file(run: Run, store: Store, tmp_path: Path) -> None:
    """`client add` makes a key file that works from any machine, on its own lane only, until `client remove`."""
    added = run("client", "add", "till-2", "--lane", "2", "--json")
    key_file = added.json["key_file"]
    away = {"HOME": str(tmp_path), "TPAYD_HOME": str(tmp_path / "no-instance")}

    paid = run("sale", "7000", "--key-file", key_file, "--json", **away)
    other_lane = run("sale", "7000", "--key-file", key_file, "--lane", "1", "--json", **away)
    removed = run("client", "remove", "till-2")
    refused = run("sale", "7000", "--key-file", key_file, "--json", **away)

    assert (Exit.OK, "2") == (paid.status, paid.json["lane"])
    assert (Exit.REFUSED, "lane_not_yours") == (other_lane.status, other_lane.json["error"]["code"])
    assert Exit.OK == removed.status
    assert Exit.OK != refused.status


def test_no_request_id_is_left_of_finished_payments(run: Run, store: Store) -> None:
    """What has a verdict needs no file to be asked for again."""
    run("sale", "5000")

    left = [path.name for path in (store.instance.data / "requests").glob("*.jsonl") if path.stem != "cli"]
    assert [] == left

"""Everything that a POS can order can be ordered at the command line, and taken back there (T10)."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tests.harness import Store
from tests.harness.terminal import at_a_terminal
from tests.integration.cli.conftest import Run
from tpayd.cli.exits import Exit
from tpayd.cli.main import tpayd
from tpayd.cli.output import Output
from tpayd.kit.instance import HOME_VARIABLE
from tpayd.provision.plan import SANDBOX_PURSE

UNKNOWN = "00000000-0000-4000-8000-000000000007"
ORDERS = ("sale", "void", "cash-receipt", "cash-ic", "simple-pay", "membership")
KAKAOPAY = "281006000123456789012345"


@pytest.fixture(autouse=True)
def customers_with_everything(store: Store) -> Iterator[None]:
    """As in a new sandbox."""
    store.hold_cards(SANDBOX_PURSE)
    yield
    store.hold_cards("visa-ic")


def examples(command: click.Command) -> Iterator[str]:
    """Every line of help that can be typed, of a command and those below it."""
    text = (command.help or "").partition("Examples:")[2].partition("Exit status")[0]
    yield from (line.strip() for line in text.splitlines() if re.match(r"\s*(tpayd|echo) ", line))
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from examples(below)


@pytest.mark.parametrize("name", ORDERS)
def test_the_examples_of_the_help_run_in_the_sandbox(store: Store, name: str) -> None:
    """One after the other, as they stand there; a request id and a receipt become those of a new sale."""
    shown = tpayd.get_command(click.Context(tpayd), name)
    assert shown is not None
    lines = list(dict.fromkeys(examples(shown)))
    assert lines
    for line in lines:
        typed, _, command = line.rpartition(" | ")
        if "void 5e0f5a3c" in line or "--approval 30215512" in line:
            with store.client() as pos:
                sold = pos.sale("1", 11_000, allow_duplicate=True)
            assert sold.receipt is not None
            day = sold.receipt.printed_at[:10].replace("-", "")
            command = command.replace("5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11", sold.request_id)
            command = command.replace("30215512", str(sold.approval_code)).replace("20260302", day)
        done = CliRunner().invoke(
            tpayd, shlex.split(command)[1:], obj=Output(), input=typed.removeprefix("echo ") + "\n",
            env={HOME_VARIABLE: str(store.instance.home)}, standalone_mode=False,
        )  # fmt: skip
        assert (Exit.OK, None) == (done.return_value, done.exception), line


def test_a_sale_is_given_back_by_its_id_its_receipt_or_as_the_last_one(run: Run, store: Store) -> None:
    """Whole or in part; the sale shows what was given back."""
    sold = run("sale", "31000", "--json").json
    part = run("void", sold["request_id"], "--amount", "1000", "--vat", "91", "--json")
    asked = run("payment", "status", sold["request_id"])
    rest = run("void", sold["request_id"])

    assert (Exit.OK, "void", 1000) == (part.status, part.json["kind"], part.json["amount"]["total_minor"])
    assert re.search(r"given back +1,000 won", asked.out)
    assert Exit.OK == rest.status
    assert re.search(r"amount +30,000 won", rest.out)
    assert 0 == next(one.net_minor for one in store.sandbox.ledger() if one.approval_code == sold["approval_code"])


def test_what_was_given_back_is_refused_a_second_time(run: Run) -> None:
    """Exit status 5, which is no verdict: the first void stands."""
    request_id = run("sale", "32000", "--json").json["request_id"]
    first, second = run("void", request_id), run("void", request_id, "--json")

    assert (Exit.OK, Exit.REFUSED) == (first.status, second.status)
    assert "not_refundable" == second.json["error"]["code"]


def test_a_number_from_standard_input_is_shown_masked(run: Run, store: Store) -> None:
    """With dashes or without; the whole of it stands in no output and no file."""
    said = run("cash-receipt", "issue", "33000", "--purpose", "deduction", "--number", "-", stdin="010-8765-4321\n")

    assert Exit.OK == said.status
    assert "010*****321" in said.out
    files = [path for path in store.instance.home.rglob("*") if path.is_file() and path.parent.name != "sandbox"]
    assert [] == [path for path in files if b"01087654321" in path.read_bytes()]


def test_a_number_that_is_asked_for_is_typed_unseen(store: Store) -> None:
    """At a terminal; it stands in no shell's history and not on the screen."""
    seen = at_a_terminal(
        [sys.executable, "-m", "tpayd", "cash-receipt", "issue", "35000", "--purpose", "expense"],
        {"number: ": "104-86-58278\n"}, environment={**os.environ, HOME_VARIABLE: str(store.instance.home)},
    )  # fmt: skip

    assert Exit.OK == seen.status
    assert ("104****278" in seen.text, "58278" in seen.text) == (True, False)


def test_a_wallet_pays_by_the_code_that_a_scanner_types(run: Run) -> None:
    """Its beginning is shown, and no more."""
    said = run("simple-pay", "34000", "--code", "-", stdin=f"{KAKAOPAY}\n")

    assert Exit.OK == said.status
    assert ("281006***" in said.out, KAKAOPAY in said.out) == (True, False)


def test_a_balance_is_shown(run: Run) -> None:
    """In won, beside the verdict."""
    said = run("cash-ic", "balance")

    assert Exit.OK == said.status
    assert re.search(r"balance +[0-9,]+ won", said.out)


def test_a_membership_number_is_printed(run: Run) -> None:
    """And with --json it is the document."""
    assert "membership number 8800123456789010" in run("membership").out
    assert {"number": "8800123456789010"} == run("membership", "--json").json


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("sale 11000 --installments 61", Exit.USAGE, "--installments"),
        ("sale 11000 --network visa", Exit.USAGE, "--network"),
        ("sale 10000000000", Exit.USAGE, "$.amount.total_minor"),
        ("void", Exit.USAGE, "--approval"),
        ("void 42", Exit.USAGE, "'42' is no request id"),
        (f"void {UNKNOWN} --approval 1 --on 20260302 --total 1", Exit.USAGE, "not by both"),
        ("void --approval 30215512 --total 11000", Exit.USAGE, "--on"),
        ("void --approval 30215512 --on 20261340 --total 11000", Exit.USAGE, "--on"),
        ("void --approval 3021-5512 --on 20260302 --total 11000", Exit.USAGE, "$.original.approval_code"),
        (f"void {UNKNOWN} --vat 10", Exit.USAGE, "--amount"),
        (f"void {UNKNOWN}", Exit.REFUSED, "$.original.request_id"),
        ("cash-receipt issue 11000", Exit.USAGE, "--purpose"),
        ("cash-receipt issue 11000 --purpose deduction", Exit.USAGE, "--number"),
        ("cash-receipt issue 11000 --purpose deduction --number 0101234", Exit.USAGE, "--number"),
        ("cash-receipt issue 11000 --purpose deduction --number 0101234567x", Exit.USAGE, "--number"),
        ("cash-receipt issue 11000 --purpose self-issue --card", Exit.USAGE, "--card"),
        (f"cash-receipt void {UNKNOWN}", Exit.USAGE, "--reason"),
        (f"cash-receipt void {UNKNOWN} --reason none", Exit.USAGE, "mis-issue"),
        ("simple-pay 11000 --installments 1", Exit.USAGE, "installments"),
        ("simple-pay 11000 --code ZZZZ-0000-0000", Exit.USAGE, "$.code"),
        ("simple-pay 11000 --code ZZZZ", Exit.USAGE, "$.code"),
        ("cash-ic refund", Exit.USAGE, "PAYMENT"),
    ],
)
def test_bad_input_names_its_field(run: Run, line: str, status: Exit, words: str) -> None:
    """And nothing is started; what may be a customer's number is not shown again."""
    said = run(*shlex.split(line))

    assert (status, "") == (said.status, said.out)
    assert words in said.err
    assert "0101234" not in said.err

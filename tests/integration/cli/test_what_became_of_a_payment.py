"""`tpayd explain`, `tpayd payment last|receipt|unacknowledged` and `tpayd reversals`, as a person uses them."""

from __future__ import annotations

import uuid
from functools import partial

import pytest

from tests.harness import Store, tpayd
from tests.integration.cli.conftest import Run
from tpayd.cli.exits import Exit

UNKNOWN = str(uuid.UUID(int=7))


@pytest.fixture(scope="module")
def sold(store_run: Run) -> dict[str, str]:
    """A sale of lane 2."""
    said = store_run("sale", "7700", "--vat", "700", "--lane", "2", "--json")
    assert Exit.OK == said.status
    return {name: said.json[name] for name in ("request_id", "payment_id", "approval_code")}


@pytest.fixture(scope="module")
def store_run(store: Store) -> Run:
    """`tpayd` for the package's sandbox, for fixtures of this module."""
    return partial(tpayd, home=store.instance.home)


def test_a_person_reads_the_story(run: Run, sold: dict[str, str]) -> None:
    """Verdict first, then a line for each step; no colours in a pipe."""
    said = run("explain", sold["request_id"])
    assert (Exit.OK, "") == (said.status, said.err)
    lines = said.out.splitlines()
    assert lines[0].startswith("PAID")
    for words in (
        "The POS asked for a payment: sale, 7,700 won",
        "The card was read",
        f"approval {sold['approval_code']}",
    ):
        assert 1 == sum(words in line for line in lines), words
    assert "told PAID, and acknowledged it" in said.out
    assert "\x1b" not in said.out


@pytest.mark.parametrize("by", ["request_id", "payment_id"])
def test_a_payment_is_found_by_either_id(run: Run, sold: dict[str, str], by: str) -> None:
    """With the lane or without."""
    for lane in ((), ("--lane", "2")):
        said = run("explain", sold[by], *lane, "--json")
        assert sold["request_id"] == said.json["payment"]["request_id"]
        assert "host_approved" in [step["event"] for step in said.json["steps"]]


def test_the_last_payment_needs_no_id(run: Run, sold: dict[str, str]) -> None:
    """For the verdict, the story and the receipt."""
    assert sold["request_id"] == run("payment", "last", "--lane", "2", "--json").json["request_id"]
    assert sold["request_id"] == run("explain", "last", "--lane", "2", "--json").json["payment"]["request_id"]
    assert sold["request_id"] == run("payment", "receipt", "--lane", "2", "--json").json["request_id"]


def test_a_receipt_is_printed_as_it_is(run: Run, sold: dict[str, str]) -> None:
    """Line for line, 42 columns; English on demand."""
    data = run("payment", "receipt", sold["request_id"], "--lane", "2", "--copy", "merchant", "--json").json
    said = run("payment", "receipt", sold["request_id"], "--lane", "2", "--copy", "merchant")
    assert [line for line in data["lines"] if "가맹점용" not in line] == [
        line for line in said.out.splitlines() if "가맹점용" not in line
    ]
    english = run("payment", "receipt", sold["request_id"], "--lane", "2", "--text", "en").out
    assert "TOTAL                            7,700 won" in english.splitlines()


def test_nothing_owed_is_said_so(run: Run) -> None:
    """Exit status 0: nobody is needed."""
    said = run("reversals", "list")
    assert (Exit.OK, "no reversal is owed\n") == (said.status, said.out)
    assert [] == run("reversals", "list", "--json").json["reversals"]


def test_everything_acknowledged_in_time_is_said_so(run: Run) -> None:
    said = run("payment", "unacknowledged")
    assert (Exit.OK, "every payment was acknowledged within 300 s\n") == (said.status, said.out)


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (("explain", "seventeen"), Exit.USAGE, "is no request id and no payment id"),
        (("explain", UNKNOWN), Exit.REFUSED, "has no payment"),
        (("explain", "last", "--lane", "99"), Exit.REFUSED, "no lane 99"),
        (("payment", "receipt", "x"), Exit.USAGE, "is no request id"),
        (("payment", "receipt", UNKNOWN, "--text", "fr"), Exit.USAGE, "'fr' is not one of"),
        (("payment", "last", "--lane", "a b"), Exit.USAGE, "$.lane"),
        (("reversals", "settle", UNKNOWN), Exit.USAGE, "--as"),
        (
            ("reversals", "settle", UNKNOWN, "--as", "stands", "--note", "x"),
            Exit.REFUSED,
            "to be settled",
        ),
        (("reversals", "settle", UNKNOWN, "--as", "stands", "--note", ""), Exit.USAGE, "$.note"),
    ],
)
def test_a_wrong_question_says_the_way_out(run: Run, words: tuple[str, ...], status: Exit, text: str) -> None:
    """With its exit status, and without a traceback."""
    said = run(*words)
    assert status == said.status
    assert text in said.err
    assert "Traceback" not in said.err

"""Opening, deleting and refusing terminals, from the command line to the card host and back (T20, T21)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Said, Store, eventually, tpayd
from tpayd.cli.exits import Exit
from tpayd_client.types import LineState

BUSINESS_NUMBER = "123-45-67891"
PASSWORD, WRONG = "correct horse", "wrong horses"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Host, line and transaction: all that an opening needs."""
    services = ("sandbox_host", "host_link", "transaction", "gateway")
    with Store(tmp_path_factory.mktemp("openings"), services=services, lanes=2, readers=1) as running:
        running.wait_ready(degraded=True)
        with running.client() as pos:
            eventually(
                lambda: any(line.state is LineState.SIGNED_ON for line in pos.host_status().lines),
                timeout_s=30,
                what="a line to the card host",
            )
        yield running


def run(store: Store, *words: str) -> Said:
    return tpayd(*words, home=store.instance.home)


def listed(store: Store) -> list[str]:
    return [each["terminal_id"] for each in run(store, "terminal", "list", "--json").json["terminals"]]


def restart(store: Store) -> None:
    store.restart("transaction")
    store.wait_ready("transaction", degraded=True)


def test_a_sandboxs_terminals_are_open_and_marked(store: Store) -> None:
    """Its lanes sell without a further step, and nobody takes the list for a real one."""
    told = run(store, "terminal", "list", "--json").json

    assert [("TPAY0001", True), ("TPAY0002", True)] == [
        (each["terminal_id"], each["sandbox"]) for each in told["terminals"]
    ]
    assert (True, []) == (told["fraud_cancel_prevention"], told["refused"])


def test_openings_are_staged_committed_and_kept(store: Store) -> None:
    """The host is asked, nothing counts before the commit, and a killed process finds what was committed."""
    opened = run(store, "terminal", "open", "TPAY1001", "TPAY1002", "--business-number", BUSINESS_NUMBER, "--json")

    assert (Exit.OK, [True, True]) == (opened.status, [each["opened"] for each in opened.json["openings"]])
    assert ["no lane of this store has terminal TPAY1001", "no lane of this store has terminal TPAY1002"] == (
        opened.json["warnings"]
    )
    assert ["TPAY0001", "TPAY0002"] == listed(store)

    committed = run(store, "terminal", "commit", "--json")
    restart(store)

    assert Exit.OK == committed.status
    assert ["TPAY0001", "TPAY0002", "TPAY1001", "TPAY1002"] == listed(store)
    assert "1234567891" == committed.json["terminals"][-1]["business_number"]


def test_a_killed_process_drops_what_is_staged(store: Store) -> None:
    """A half-made change never counts."""
    before = listed(store)
    run(store, "terminal", "open", "TPAY1003")
    restart(store)

    commit = run(store, "terminal", "commit", "--json")

    assert (Exit.REFUSED, "not_found") == (commit.status, commit.json["error"]["code"])
    assert before == listed(store)


def test_discard_undoes_everything(store: Store) -> None:
    """Openings and deletions alike."""
    before = listed(store)
    run(store, "terminal", "open", "TPAY1004")
    run(store, "terminal", "delete", "TPAY0001")

    discarded = run(store, "terminal", "discard", "--json")

    assert (Exit.OK, None) == (discarded.status, discarded.json["staged"])
    assert before == listed(store)


def test_a_26th_terminal_is_wrong_use(store: Store) -> None:
    """25 in all, those that are open counted; the others of the request are not opened either."""
    many = [f"TPAY{2000 + number}" for number in range(26 - len(listed(store)))]

    said = run(store, "terminal", "open", *many, "--json")

    assert (Exit.USAGE, "invalid_body") == (said.status, said.json["error"]["code"])
    assert "25" in said.json["error"]["message"]
    assert None is run(store, "terminal", "list", "--json").json["staged"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("open",), "--all"),
        (("open", "SHORT"), "terminal_ids"),
        (("open", "TPAY0001", "--business-number", "123"), "10 digits"),
        (("delete",), "TERMINAL"),
        (("prevention", "maybe"), "'on', 'off'"),
        (("prevention", "off"), "file"),
    ],
)
def test_wrong_use_is_told_by_name(store: Store, words: tuple[str, ...], told: str) -> None:
    """Nothing is asked of the host, and nothing is staged."""
    said = run(store, "terminal", *words)

    assert Exit.USAGE == said.status
    assert told in said.err


def test_a_check_digit_warns_and_does_not_block(store: Store) -> None:
    """It may be the registry that is wrong, so the host is asked; this one knows its merchant, and says no."""
    said = run(store, "terminal", "open", "TPAY0001", "--business-number", "123-45-67890", "--json")

    assert ["business_number: the check digit of 1234567890 does not fit"] == said.json["warnings"]
    assert (Exit.FAILED, [("TPAY0001", False, "03")], None) == (
        said.status,
        [(each["terminal_id"], each["opened"], each["code"]) for each in said.json["openings"]],
        said.json["list"]["staged"],
    )


def test_what_the_host_refuses_is_told_and_the_others_are_staged(store: Store) -> None:
    """With `--commit`, nothing is committed unless all were opened."""
    before = listed(store)

    said = run(store, "terminal", "open", "TPAY1006", "OTHER001", "--commit", "--json")
    discarded = run(store, "terminal", "discard")

    assert (Exit.FAILED, False) == (said.status, said.json["committed"])
    assert [("TPAY1006", True, None), ("OTHER001", False, "58")] == [
        (each["terminal_id"], each["opened"], each["code"]) for each in said.json["openings"]
    ]
    assert ["TPAY1006"] == [each["terminal_id"] for each in said.json["list"]["staged"]["opened"]]
    assert (Exit.OK, before) == (discarded.status, listed(store))


def test_merchant_info_is_downloaded_and_kept(store: Store) -> None:
    """Shown, on the list after a restart, and refused for a terminal that is another merchant's."""
    told = run(store, "merchant", "download", "TPAY0001", "--json")
    refused = run(store, "merchant", "download", "OTHER001", "--json")
    restart(store)
    kept = run(store, "merchant", "list", "--json").json["merchants"]

    assert (Exit.OK, "Sandbox Store", "1234567891") == (
        told.status,
        told.json["merchant"]["name"],
        told.json["merchant"]["business_number"],
    )
    assert [told.json["merchant"]] == kept
    assert (Exit.REFUSED, "not_found") == (refused.status, refused.json["error"]["code"])


def test_no_line_to_the_host_opens_nothing(store: Store) -> None:
    """Each opening says why, and the command ends with 8."""
    store.kill("host_link")
    try:
        said = run(store, "terminal", "open", "TPAY1005", "--json")
    finally:
        store.start("host_link")
        store.wait_ready(degraded=True)

    assert (Exit.FAILED, [False]) == (said.status, [each["opened"] for each in said.json["openings"]])
    assert None is said.json["list"]["staged"]


def test_prevention_needs_the_password(store: Store, tmp_path: Path) -> None:
    """Set once, from a file; a wrong one is refused and counted, over a restart too; the log never holds one."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text(PASSWORD + "\n")
    wrong.write_text(WRONG + "\n")

    def switch(file: Path, state: str = "off") -> Said:
        return run(store, "terminal", "prevention", state, "--password-file", str(file), "--json")

    unset = switch(right)
    set_ = run(store, "password", "set", "--password-file", str(right))
    refusals = [switch(wrong).json["error"]["message"] for _ in range(3)]
    restart(store)
    locked = switch(right)

    assert (Exit.REFUSED, "not_found") == (unset.status, unset.json["error"]["code"])
    assert Exit.OK == set_.status
    assert ["2 more", "1 more", "locked for 30 s"] == [
        text for text, message in zip(("2 more", "1 more", "locked for 30 s"), refusals, strict=True) if text in message
    ]
    assert (Exit.REFUSED, "not_permitted") == (locked.status, locked.json["error"]["code"])
    assert "locked after 3" in locked.json["error"]["message"]
    written = [path for path in store.instance.home.rglob("*") if path.is_file() and path.stat().st_size]
    assert [] == [path for path in written if any(text.encode() in path.read_bytes() for text in (PASSWORD, WRONG))]

"""`tpayd status`, `devices`, `keys`, `logs`, `sandbox`, `client`: what they show of a running store."""

from __future__ import annotations

import json
from pathlib import Path

from tests.harness import Store, tpayd
from tests.integration.cli.conftest import Run
from tpayd.cli.exits import Exit


def test_status_shows_processes_host_line_and_readers(run: Run) -> None:
    """Also that it is a sandbox, and that nothing starts at boot."""
    said = run("status")

    for fact in ("SANDBOX", "not installed at boot", "gateway", "signed_on", "reader-1", "reader-2"):
        assert fact in said.out


def test_status_for_a_script(run: Run) -> None:
    """One document with everything in it."""
    told = run("status", "--json").json

    assert (True, True, "test", False) == tuple(
        told[name] for name in ("sandbox", "running", "host_profile", "starts_at_boot")
    )
    assert {"ready"} == {service["readiness"] for service in told["services"] if not service["operations"]}
    assert ["signed_on"] == [line["state"] for line in told["host"]["lines"]]
    assert ["ready", "ready"] == [reader["state"] for reader in told["readers"]]


def test_wait_ready_names_who_is_missing_and_why(run: Run, store: Store) -> None:
    """A killed process is named, and the one that needs it says so; with it back all are ready."""
    store.kill("host_link")

    missing = run("wait-ready", "--timeout", "1", "--json")
    store.start("host_link")
    ready = run("wait-ready", "--timeout", "30", "--json")

    assert (Exit.TIMEOUT, "not_ready") == (missing.status, missing.json["error"]["code"])
    assert "host_link" in missing.json["error"]["message"]
    assert (Exit.OK, 7) == (ready.status, len(ready.json["services"]))


def test_devices_and_keys(run: Run) -> None:
    """Every reader with what it can do; every key by its check value, none by its bytes."""
    devices = run("devices", "list", "--json").json["devices"]
    keys = run("keys", "list", "--json").json["keys"]

    assert ["reader-1", "reader-2"] == sorted(device["name"] for device in devices)
    assert {"terminal_mac": 2, "reader_data": 2} == {
        usage: sum(key["usage"] == usage for key in keys) for usage in ("terminal_mac", "reader_data")
    }
    assert {"active"} == {key["state"] for key in keys}


def test_a_key_exchange_that_fails_leaves_the_others(run: Run) -> None:
    """Exit status 8, what failed by name, and what was done all the same."""
    said = run("keys", "exchange", "--reader", "no-such", "--reader", "reader-1", "--json")

    assert Exit.FAILED == said.status
    assert ["no-such"] == [each["reader"] for each in said.json["failed"]]
    assert ["reader-1"] == [key["device"] for key in said.json["keys"]]


def test_logs_are_merged_in_order_of_time(run: Run) -> None:
    """Lines of several processes, oldest first, each one JSON object."""
    said = run("logs", "gateway", "host_link", "-n", "20", "--json")

    entries = [json.loads(line) for line in said.out.splitlines()]
    assert {"gateway", "host_link"} == {entry["service"] for entry in entries}
    assert sorted(entry["time"] for entry in entries) == [entry["time"] for entry in entries]


def test_logs_of_nobody(run: Run) -> None:
    """An unknown name is wrong use, and the known ones are listed."""
    said = run("logs", "gatway")

    assert Exit.USAGE == said.status
    assert "gateway" in said.err


def test_the_sandbox_does_as_told(run: Run, store: Store) -> None:
    """Host, readers, cards and ledger, each from the command line."""
    host = run("sandbox", "host", "decline", "--code", "55", "--times", "3", "--json").json["behaviour"]
    again = run("sandbox", "host", "approve", "--json").json["behaviour"]
    out = run("sandbox", "reader", "reader-2", "--unplug", "--json").json["readers"]
    back = run("sandbox", "reader", "reader-2", "--plug", "--json").json["readers"]
    cards = run("sandbox", "card", "--json").json["cards"]
    run("sale", "4321")
    ledger = run("sandbox", "ledger", "--json").json["entries"]
    first = run("sandbox", "ledger", "--limit", "1").out
    store.wait_ready()

    assert ("decline", "55", 3) == (host["mode"], host["code"], host["times"])
    assert "approve" == again["mode"]
    assert [[True, False], [True, True]] == [[reader["plugged"] for reader in each] for each in (out, back)]
    assert "visa-ic" in cards
    assert 4321 == ledger[-1]["net_minor"]
    assert f"tpayd sandbox ledger --after {ledger[0]['number']}" in first


def test_the_customer_at_a_reader_does_as_told(run: Run) -> None:
    """What he carries, signs and keys is set from the command line, and what makes no sense is refused by name."""
    told = run(
        "sandbox", "reader", "reader-2", "--auto", "cash-ic, kakaopay", "--sign", "refuses", "--key", "wrong",
        "--number", "01000001234", "--mute", "--json",
    ).json["readers"][1]  # fmt: skip
    shown = run("sandbox", "reader").out
    unknown = run("sandbox", "reader", "reader-2", "--auto", "cash-ic,nosuch", "--json")
    wrong = run("sandbox", "reader", "reader-2", "--number", "12a", "--json")
    back = run(
        "sandbox", "reader", "reader-2", "--auto", "visa-ic", "--sign", "signs", "--key", "right", "--speak", "--json"
    ).json["readers"][1]

    assert ("cash-ic, kakaopay", "refuses", "wrong", True) == tuple(
        told[name] for name in ("auto_card", "signing", "keying", "mute")
    )
    assert "mute" in shown
    assert "no card 'nosuch'" in unknown.json["error"]["message"]
    assert (Exit.USAGE, True) == (wrong.status, "--number" in wrong.out + wrong.err)
    assert ("signs", "right", False) == (back["signing"], back["keying"], back["mute"])


def test_clients_are_listed_with_their_rights(run: Run) -> None:
    """Adding one twice, or removing one that is not there, is refused; a lane that the store lacks is wrong use."""
    run("client", "add", "office", "--lane", "*", "--right", "admin")
    twice = run("client", "add", "office", "--lane", "1", "--json")
    listed = {each["client"]: each for each in run("client", "list", "--json").json["clients"]}
    removed = run("client", "remove", "office")
    gone = run("client", "remove", "office", "--json")
    no_lane = run("client", "add", "till-9", "--lane", "9")

    assert (Exit.REFUSED, "exists") == (twice.status, twice.json["error"]["code"])
    assert (["*"], "admin") == (listed["office"]["lanes"], listed["office"]["right"])
    assert (Exit.OK, Exit.REFUSED, Exit.USAGE) == (removed.status, gone.status, no_lane.status)


def test_a_live_store_has_no_sandbox_to_command(tmp_path: Path) -> None:
    """Nothing that plays can reach an instance that is not a sandbox."""
    home = tmp_path / "live"
    merchant = ("--merchant-id", "123456789012345", "--merchant-name", "Shop", "--business-number", "1234567891")
    made = tpayd("init", *merchant, home=home)

    said = tpayd("sandbox", "host", "silent", "--json", home=home)

    assert Exit.OK == made.status
    assert (Exit.REFUSED, "not_sandbox") == (said.status, said.json["error"]["code"])

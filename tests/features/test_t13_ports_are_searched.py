"""T13: a search finds readers and pads on the serial ports, fills the ports in, and applies on confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Said, Store, eventually, tpayd
from tpayd.cli.exits import Exit

READERS = [{"name": "reader-1"}, {"name": "counter"}, {"name": "pad", "abilities": ["sign", "pin"]}]
PORTS = tuple(part for name in ("reader-1", "counter", "pad") for part in ("--port", f"sandbox/readers/{name}"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    services = ("sandbox_readers", "device_broker", "gateway")
    directory: Path = tmp_path_factory.mktemp("ports")
    settings = {"sandbox_readers": {"readers": READERS}}
    with Store(directory, services=services, settings=settings, readers=1) as running:
        running.wait_ready("gateway", degraded=True)
        eventually(lambda: "ready" == states(running).get("reader-1"), timeout_s=60, what="reader-1 ready")
        yield running


def run(store: Store, *arguments: str) -> Said:
    return tpayd("devices", *arguments, home=store.instance.home)


def states(store: Store) -> dict[str, str]:
    said = run(store, "list", "--json")
    return {each["name"]: each["state"] for each in said.json["devices"]} if said.status == Exit.OK else {}


def test_it_proposes_tells_how_far_it_is_and_changes_nothing(store: Store) -> None:
    """What is in use is shown as known; nobody has confirmed anything."""
    before = store.instance.settings_file("device_broker").read_text()
    said = run(store, "scan", *PORTS)
    assert Exit.OK == said.status, said.err
    assert "known" in said.out
    assert "0 of " in said.out
    assert "proposed: tpayd devices assign reader-2 --port sandbox/readers/counter" in said.out
    assert "proposed: tpayd devices assign pad-1 --port sandbox/readers/pad" in said.out
    assert before == store.instance.settings_file("device_broker").read_text()
    assert {"reader-1"} == set(states(store))


def test_it_is_applied_on_confirmation_and_the_readers_serve_at_once(store: Store) -> None:
    said = run(store, "scan", *PORTS, "--apply", "--json")
    assert Exit.OK == said.status, said.err
    assert {"reader-2", "pad-1"} == {each["name"] for each in said.json["applied"]["devices"]}
    everybody = {"reader-1": "ready", "reader-2": "ready", "pad-1": "ready"}
    eventually(lambda: everybody == states(store), timeout_s=60, what="all ready")
    again = run(store, "scan", *PORTS, "--json").json
    assert ["known"] * 3 == [port["state"] for port in again["ports"]]
    assert [] == again["proposal"]


def test_a_port_that_cannot_be_asked_is_told_with_the_reason(store: Store) -> None:
    said = run(store, "scan", "--port", "sandbox/readers/nowhere", "--port", "socket://127.0.0.1:1")
    assert "not there" in said.out
    assert "connection refused" in said.out
    assert Exit.USAGE == run(store, "scan", "--driver", "abacus").status

"""T6: naming a port shows the device: model, serial number, firmware and abilities, by its own word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Said, Store, eventually, tpayd
from tpayd.cli.exits import Exit

READERS = [
    {"name": "reader-1"},
    {"name": "reader-2"},
    {"name": "pad", "abilities": ["sign", "pin"], "model": "TPAYD-PAD", "serial_number": "PAD0000042"},
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    services = ("sandbox_readers", "device_broker", "gateway")
    directory: Path = tmp_path_factory.mktemp("ports")
    with Store(directory, services=services, settings={"sandbox_readers": {"readers": READERS}}) as running:
        running.wait_ready("gateway", degraded=True)
        ready(running, "reader-1")
        ready(running, "reader-2")
        yield running


def run(store: Store, *arguments: str) -> Said:
    return tpayd("devices", *arguments, home=store.instance.home)


def ready(store: Store, name: str) -> None:
    def is_ready() -> bool:
        said = run(store, "show", name, "--json")
        return said.status == Exit.OK and said.json["device"]["state"] == "ready"

    eventually(is_ready, timeout_s=60, what=f"{name} ready")


def test_a_port_that_is_named_tells_who_is_there(store: Store) -> None:
    """Nothing but the port was said; the rest is the device's own word."""
    named = run(store, "assign", "pad-1", "--port", "sandbox/readers/pad", "--abilities", "sign,pin", "--json")
    assert Exit.OK == named.status, named.err
    ready(store, "pad-1")
    page = run(store, "show", "pad-1", "--json").json
    device = page["device"]
    assert ("TPAYD-PAD", "PAD0000042", "01.00") == (device["model"], device["serial_number"], device["firmware"])
    assert ["sign", "pin"] == page["reported_abilities"]
    assert page["self_test"]["passed"]
    assert "TPAYD-PAD" in run(store, "show", "pad-1").out


def test_abilities_that_it_lacks_are_told_and_not_used(store: Store) -> None:
    """With what to type."""
    assert Exit.OK == run(store, "assign", "pad-2", "--port", "sandbox/readers/nowhere").status
    run(store, "remove", "pad-1")
    assert Exit.OK == run(store, "assign", "pad-2", "--port", "sandbox/readers/pad", "--abilities", "ic,sign").status
    ready(store, "pad-2")
    page = run(store, "show", "pad-2", "--json").json
    assert (["sign"], ["ic"]) == (page["device"]["abilities"], page["lacking_abilities"])
    assert "tpayd devices assign pad-2 --abilities sign" in page["device"]["detail"]
    assert Exit.OK == run(store, "remove", "pad-2").status


def test_a_device_that_answers_as_another_is_not_used(store: Store) -> None:
    """The other readers go on."""
    run(store, "assign", "reader-2", "--serial-number", "SBX0000009")
    eventually(
        lambda: "serial number SBX0000002, not SBX0000009" in run(store, "show", "reader-2").out,
        timeout_s=60, what="who answers",
    )  # fmt: skip
    states = {each["name"]: each["state"] for each in run(store, "list", "--json").json["devices"]}
    assert "absent" == states["reader-2"]
    assert "ready" == states["reader-1"]
    run(store, "assign", "reader-2", "--serial-number", "")
    ready(store, "reader-2")


def test_what_cannot_be_is_refused_by_name(store: Store) -> None:
    for arguments, words in (
        (("show", "nobody"), "nobody"),
        (("assign", "nobody"), "a new one needs a port"),
        (("assign", "reader-1", "--port", "sandbox/readers/reader-2"), "sandbox/readers/reader-2"),
        (("assign", "reader-1", "--abilities", "singing"), "singing"),
        (("remove", "nobody"), "nobody"),
    ):
        said = run(store, *arguments)
        assert said.status in (Exit.USAGE, Exit.REFUSED)
        assert words in said.err

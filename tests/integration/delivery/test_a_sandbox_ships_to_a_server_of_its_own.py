"""The sandbox's server for log bundles as a process, and the command line that tries and orders it."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Store
from tests.harness.command_line import tpayd
from tpayd.cli.exits import Exit
from tpayd.log_shipper.delivery.checking import StepName
from tpayd.sandbox.logs.identity import host_key


def test_a_sandbox_ships_to_a_server_of_its_own_and_the_command_line_tries_it(tmp_path: Path) -> None:
    """From `tpayd init --sandbox` on, without a setting; the server can be told to fail, and says so."""
    with Store(tmp_path, services=("sandbox_logs",)) as store:
        store.wait_ready("sandbox_logs")
        home = store.instance.home
        good = tpayd("logs", "check-destination", "--json", home=home)
        ordered = tpayd("sandbox", "logs", "read_only", "--json", home=home)
        bad = tpayd("logs", "check-destination", home=home)

    assert (Exit.OK, True, [step.value for step in StepName]) == (
        good.status, good.json["ok"], [step["step"] for step in good.json["steps"]],
    )  # fmt: skip
    assert {"setting": "destination.host_key", "value": host_key()} == good.json["shown"]
    assert ("read_only", good.json["url"].rstrip("/")) == (ordered.json["behaviour"]["fault"], ordered.json["url"])
    assert Exit.NO == bad.status
    assert "writing     FAILED: the server does not let this user write" in bad.out

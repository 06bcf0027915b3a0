"""T30: one setting switches to the test host and back; documented, and done with one command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import SupervisedStore, tpayd
from tpayd.cli.exits import Exit

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


@pytest.mark.timeout(300)
def test_one_command_switches_and_restarts(supervised: SupervisedStore) -> None:
    """When no payment is under way; every process says so then, also the one with the line."""
    home, port = supervised.instance.home, supervised.plan.sandbox_host_port
    addresses = f'host_link.profiles.live.addresses=["127.0.0.1:{port}"]'
    live = tpayd("settings", "set", "host_profile=live", addresses, "--restart", home=home)
    with supervised.client() as pos:
        switched = {health.profile for health in pos.store_status().services}
    back = tpayd("settings", "set", "host_profile=test", "--restart", home=home)
    with supervised.client() as pos:
        again = {health.profile for health in pos.store_status().services}
    supervised.wait_ready()

    assert (Exit.OK, Exit.OK) == (live.status, back.status), (live, back)
    assert ({"live"}, {"test"}) == (switched, again)
    assert "restarted: " in live.out


def test_it_is_documented() -> None:
    """Where whoever runs a store looks."""
    assert "tpayd settings set store.host_profile=test --restart" in MANUAL.read_text(encoding="utf-8")

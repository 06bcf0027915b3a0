"""T1: two named host profiles, one setting picks one; shown everywhere, and refused while anything is unsettled."""

from __future__ import annotations

from tests.features.conftest import Run
from tests.harness import Store, eventually
from tests.integration.payment.till import Till, new_id
from tpayd.cli.exits import Exit
from tpayd_client.types import Verdict
from tpayd_contracts.sandbox import HostMode


def test_it_is_shown_in_settings_and_in_every_status(shop: Store, run: Run) -> None:
    """With its default, and the services that a change restarts."""
    (shown,) = run("settings", "show", "host_profile", "--json").json["settings"]
    with shop.client() as pos:
        profiles = {health.profile for health in pos.store_status().services}

    assert ('"test"', '"live"', ["live", "test"]) == (shown["value"], shown["default"], shown["choices"])
    assert {"test"} == profiles


def test_it_cannot_be_changed_while_a_payment_is_unsettled(shop: Store, run: Run, till: Till) -> None:
    """The error says how many, and the file stays; once they are settled it can."""
    request_id = new_id()
    shop.sandbox.host(HostMode.SILENT)
    assert Verdict.NOT_PAID == till.sale(request_id=request_id).verdict

    refused = run("settings", "set", "host_profile=live")
    shop.sandbox.host(HostMode.APPROVE)
    till.settled(request_id)
    eventually(lambda: till.pos.call("payment.pending", {})["unsettled"] == 0, timeout_s=30, what="nothing unsettled")
    allowed = run("settings", "set", "host_profile=live", "--dry-run")

    assert (Exit.REFUSED, True) == (refused.status, "payments are unsettled under profile test" in refused.err)
    assert (Exit.OK, True) == (allowed.status, 'store.host_profile: "test" -> "live"' in allowed.out)
    assert 'host_profile = "test"' in shop.instance.settings_file("store").read_text()


def test_there_are_two_profiles_and_no_third(run: Run) -> None:
    """The error names the setting and what it may be."""
    refused = run("settings", "set", "host_profile=production")

    assert Exit.USAGE == refused.status
    assert "store.host_profile" in refused.err

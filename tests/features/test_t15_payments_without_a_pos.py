"""T15: standalone payments [단독결제], once a store enables them and has downloaded its merchant info."""

from __future__ import annotations

from tests.features.conftest import Run
from tests.harness import Store
from tpayd.cli.exits import Exit


def test_merchant_info_comes_first(shop: Store, run: Run) -> None:
    """Without it a clear error; with it merchant and terminal are shown, a sale is made, and no approval is kept."""
    shop.hold_cards("visa-tap")
    before = run("standalone", "sale", "--amount", "11000", "--lane", "2", "--yes")
    downloaded = run("merchant", "download", "TPAY0002")
    with shop.client() as pos:
        shown = pos.call("standalone.show", {"lane": "2"})
    paid = run("standalone", "sale", "--amount", "11000", "--lane", "2", "--yes")

    assert (Exit.REFUSED, True) == (before.status, "tpayd merchant download" in before.err)
    assert Exit.OK == downloaded.status
    assert ("TPAY0002", True) == (shown["terminal_id"], bool(shown["merchant"]["name"]))
    assert (Exit.OK, True) == (paid.status, "PAID" in paid.out)


def test_it_is_a_setting_and_off_by_default(run: Run) -> None:
    """The settings screen has it among the functions."""
    (shown,) = run("settings", "show", "standalone", "--json").json["settings"]
    assert ("true", "false", "functions") == (shown["value"], shown["default"], shown["group"])

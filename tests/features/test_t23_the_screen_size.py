"""T23: screens scale to a set resolution [화면 해상도]; every client is told it."""

from __future__ import annotations

from tests.features.conftest import Run
from tests.harness import Store
from tpayd.cli.exits import Exit


def test_a_new_size_is_told_at_once(shop: Store, run: Run) -> None:
    """1024x768 unless the store says otherwise."""
    with shop.client() as pos:
        before = pos.store_status().options
        changed = run("settings", "set", "console.screen=1920x1080")
        after = pos.store_status().options
        run("settings", "reset", "console.screen")
        again = pos.store_status().options

    assert Exit.OK == changed.status
    assert ["1024x768", "1920x1080", "1024x768"] == [each.screen for each in (before, after, again) if each is not None]


def test_what_is_no_size_is_refused(run: Run) -> None:
    """By name; the file stays."""
    refused = run("settings", "set", "console.screen=big")
    assert (Exit.USAGE, True) == (refused.status, "store.console.screen" in refused.err)

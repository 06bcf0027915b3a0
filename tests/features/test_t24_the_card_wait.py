"""T24: how long a customer may take to present a card [카드 삽입 대기시간]: 30 s, or what the store sets."""

from __future__ import annotations

import time

from tests.features.conftest import Run
from tests.harness import Store
from tests.integration.payment.till import Till
from tpayd.cli.exits import Exit
from tpayd_client.types import Reason, Verdict


def test_a_shorter_wait_counts_after_a_restart(shop: Store, run: Run) -> None:
    """Until then the setting is shown with what runs; then nobody waits longer."""
    changed = run("settings", "set", "card_wait_s=1.5")
    (shown,) = run("settings", "show", "card_wait_s", "--json").json["settings"]
    shop.restart("transaction")
    shop.wait_ready()
    with Till(shop) as till:
        till.cards("")
        began_s = time.monotonic()
        result = till.sale()
        took_s = time.monotonic() - began_s
        till.reset()
    run("settings", "reset", "card_wait_s")
    shop.restart("transaction")
    shop.wait_ready()

    assert (Exit.OK, True) == (changed.status, "counts when restarted: transaction" in changed.out)
    assert ("1.5", "30.0", "30.0") == (shown["value"], shown["in_force"], shown["default"])
    assert (Verdict.NOT_PAID, Reason.CARD_TIMEOUT) == (result.verdict, result.reason)
    assert 1.5 <= took_s < 25


def test_a_wait_out_of_range_is_refused(run: Run) -> None:
    """By name, with what is allowed."""
    refused = run("settings", "set", "card_wait_s=101")
    assert (Exit.USAGE, True) == (refused.status, "transaction.card_wait_s: expected `float` <= 100.0" in refused.err)

"""Any process may be killed while the store sells: it comes back, and all books agree."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.harness import SupervisedStore, eventually
from tests.harness.base import ALL_SERVICES
from tests.torture.oracle import Oracle
from tests.torture.tills import Tills

SALES = 200
CARD = "visa-ic"
VICTIMS = (*(service for service in ALL_SERVICES if not service.startswith("sandbox")), "supervisord", "launcher")
QUICK = {"transaction": {"answer_wait_s": 3.0, "reversal_waits_s": [0.3, 1.0], "host_max_processing_s": 2.0}}


def test_every_sale_ends_with_one_verdict_and_the_books_agree(tmp_path: Path) -> None:
    """kill -9 of each process in turn, supervisord and its launcher too, during 200 sales."""
    with SupervisedStore(tmp_path, lanes=3, readers=2, settings=QUICK) as store:
        store.open_shop(card=CARD)
        tills = Tills(store, store.plan.lane_names)
        tills.start()
        try:
            for victim in VICTIMS:
                kill(store, victim)
                wait_for_sales(tills, len(tills.told) + 10)
            wait_for_sales(tills, SALES)
        finally:
            tills.stop()
        oracle = Oracle(store, tills.told)
        assert [] == oracle.settle()
        assert [] == tills.faults
        assert [] == oracle.disagreements()
        assert [] == oracle.duplicate_stans()
        assert sum(told.verdict == "PAID" for told in tills.told) > SALES // 2
        assert [] == store.card_number_leaks()
        assert [] == oracle.leases_left()


def wait_for_sales(tills: Tills, count: int) -> None:
    """Sales go on, whatever was killed."""
    eventually(lambda: len(tills.told) >= count, timeout_s=60, what=lambda: f"{count} sales, of {len(tills.told)}")


def kill(store: SupervisedStore, victim: str) -> None:
    """SIGKILL, and wait until the store is whole again."""
    if victim == "launcher":
        # Nobody restarts the launcher but systemd or `tpayd up`; the store goes on without it.
        os.kill(store.launcher_pid, signal.SIGKILL)
        store.up()
    elif victim == "supervisord":
        store.kill_supervisord()
    else:
        before = store.kill(victim)
        store.wait_restarted(victim, before)
    store.wait_ready(timeout_s=60)
    if victim == "supervisord":
        # The virtual readers died with it, and with them the customer who holds the cards.
        store.hold_cards(CARD)

"""The bench's journal is one that a store could have written, and a store goes on with it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from tests.bench.journal.__main__ import LANES, filled_in, purge_while_selling, purged_to, selling
from tests.bench.journal.filling import fill
from tests.bench.journal.limits import LIMITS, broken
from tests.bench.journal.past import Past
from tests.bench.journal.probes import ask_all, ready_s
from tests.harness import Store
from tests.harness.journals import ENGINES, Place
from tests.harness.waiting import eventually
from tpayd.transaction.journal import JournalPlace
from tpayd.transaction.journal.verifying import verify
from tpayd_contracts.payment import PaymentState

_TODAY = datetime(2026, 9, 22, 15, 0).astimezone()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_filled_verifies(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """Each event follows from those before it, each day but the present one is closed, and nearly all have ended."""
    server = request.getfixturevalue("postgres") if engine == "postgresql" else None
    place = Place.make(engine, tmp_path, server)
    past = Past({"1": "TPAY0001", "2": "TPAY0002"}, "test")
    filled = fill(JournalPlace(place.url, None), past, 15_000, _TODAY, lambda *_: None)
    found = verify(place.url, lambda *_: None)
    assert (True, filled.rows, filled.payments) == (found.intact, found.events, found.payments)
    assert abs(filled.rows - 15_000) < 1_500
    assert [(filled.days - 1,)] == place.rows("select count(*) from closes")
    states = dict(place.rows("select state, count(*) from payments group by state"))
    assert set(states) == {state.value for state in (PaymentState.CLOSED, PaymentState.DECLINED, PaymentState.ABORTED,
                                                     PaymentState.REVERSED, PaymentState.NEEDS_HUMAN)}  # fmt: skip
    assert states["closed"] > 0.8 * filled.payments
    assert states["needs_human"] == 1


def test_a_store_goes_on_with_it(tmp_path: Path) -> None:
    """Asked, closed, started anew, purged while it sells: every figure of the bench is there, and the journal whole."""
    store = Store(tmp_path, lanes=LANES, readers=LANES)
    place, filled = filled_in(store, "", 15_000, lambda *_: None, None)
    with selling(store):
        told = ask_all(store, filled) | {"start_s": ready_s(store)}
        told |= purge_while_selling(store, place, filled, 0.5, rounds=1)
        eventually(lambda: purged_to(place) >= 100, timeout_s=30, what="a page purged")
    assert set(LIMITS) - {"sale_p50_ratio", "bytes_per_payment", "verify_lane_s"} <= set(told)
    found = verify(place.url, lambda *_: None)
    assert found.intact
    assert found.purged > 0
    assert found.events > filled.rows


def test_what_is_slower_than_promised_is_told() -> None:
    """By its name, with both figures; what was not measured is not judged."""
    assert [] == broken({"totals_ms": LIMITS["totals_ms"].most, "rows": 1e9})
    (sentence,) = broken({"totals_ms": LIMITS["totals_ms"].most + 1, "close_ms": 1.0})
    assert sentence.startswith("totals_ms is 2,001; 2,000 is promised")

"""The bench's journal is one that a store could have written, and a store goes on with it."""

from __future__ import annotations

import socket
import tempfile
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.bench.journal import parts
from tests.bench.journal.filling import Filled, FillInterruptedError, fill
from tests.bench.journal.limits import LIMITS, broken
from tests.bench.journal.parts import LANES, Ending, filled_in, measure, purge_while_selling, purged_to, selling
from tests.bench.journal.past import Past
from tests.bench.journal.probes import ask_all, ready_s
from tests.harness import Store
from tests.harness.journals import ENGINES, Place
from tests.harness.postgres import PostgresServer
from tests.harness.waiting import eventually
from tpayd.kit.instance import Instance
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


@pytest.mark.parametrize("engine", ENGINES)
def test_a_fill_goes_on_where_it_was_interrupted(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    """At the end of a day, with nothing lost or twice; but not in a journal that is not as it was left."""
    server = request.getfixturevalue("postgres") if engine == "postgresql" else None
    place, note = Place.make(engine, tmp_path, server), tmp_path / "note"
    ended = iter((False, False, True, False, True))  # at the end of the third day, and of the fifth

    def fill_on(stopping: Callable[[], bool]) -> Filled:
        past = Past({"1": "TPAY0001", "2": "TPAY0002"}, "test")
        return fill(JournalPlace(place.url, None), past, 15_000, _TODAY, lambda *_: None, note, stopping)

    for days in (3, 5):
        with pytest.raises(FillInterruptedError):
            fill_on(lambda: next(ended))
        assert [(days,)] == place.rows("select count(*) from closes")
    early = note.read_bytes()
    filled = fill_on(lambda: False)
    found = verify(place.url, lambda *_: None)
    assert (True, filled.rows, filled.payments) == (found.intact, found.events, found.payments)
    assert [(filled.days - 1,)] == place.rows("select count(*) from closes")
    note.write_bytes(early)
    with pytest.raises(RuntimeError, match="remove it"):
        fill_on(lambda: False)


def test_a_part_that_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures of a run that ended after a part stand beside those of the next."""
    asked = list[int]()

    def ask(_: Store, filled: Filled) -> dict[str, float]:
        asked.append(filled.rows)
        return {"totals_ms": 7.0}

    monkeypatch.setattr(parts, "ask_all", ask)
    told = [measure(tmp_path, 3_000, 0.1, verify="lane", until="fill", ending=Ending())]
    with socket.create_server(("127.0.0.1", _port_of(tmp_path / "full" / "store"))):  # by now it is somebody else's
        told += [measure(tmp_path, 3_000, 0.1, verify="lane", until="ask", ending=Ending()) for _ in range(2)]
    assert ["totals_ms" in each for each in told] == [False, True, True]
    assert told[1] == told[2]
    assert [int(told[0]["rows"])] == asked


def _port_of(home: Path) -> int:
    port: int = tomllib.loads(Instance.open(home).settings_file("gateway").read_text(encoding="utf-8"))["tcp_port"]
    return port


def test_a_server_that_is_kept_has_its_databases_again() -> None:
    """Started anew in the same place, on another socket."""
    with tempfile.TemporaryDirectory(prefix="tpayd-kept-") as name:
        Path(name).chmod(0o755)  # root's server is somebody else
        for found in ([], [(1,)]):
            with PostgresServer(data=Path(name) / "data") as server:
                place = Place("postgresql", server.kept_database("journal"))
                place.run("create table if not exists seen (number integer)")
                assert found == place.rows("select number from seen")
                place.run("insert into seen values (1)")


def test_a_store_goes_on_with_it(tmp_path: Path) -> None:
    """Asked, closed, started anew, purged while it sells: every figure of the bench is there, and the journal whole."""
    store = Store(tmp_path, lanes=LANES, readers=LANES)
    place, filled = filled_in(store, "", 15_000, lambda *_: None, tmp_path)
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

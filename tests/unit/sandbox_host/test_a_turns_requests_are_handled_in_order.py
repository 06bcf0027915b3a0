"""Requests that come in one loop turn are handled together, and each finds what those before it have booked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.unit.sandbox_host.samples import request, reversal_of
from tpayd.crypto.dukpt import Derivation, Usage, derive_initial_key, make_ksn
from tpayd.crypto.exchange import Role
from tpayd.crypto.mac import cmac8
from tpayd.crypto.track import encrypt_track
from tpayd.hosts import Financial, Merchant, Reversal, load
from tpayd.hosts.framing import LENGTH_BYTES
from tpayd.kit.clock import SystemClock
from tpayd.sandbox.host.delivery import Delivery
from tpayd.sandbox.host.desk import Desk, HostTerms
from tpayd.sandbox.host.schema import open_database
from tpayd.sandbox.secrets import BDK
from tpayd_contracts.sandbox import HostBehaviour, HostMode

ADAPTER = load("iso8583")
TERMINAL, READER = b"SBXT\0\0\0\1", b"SBXR\0\0\0\2"
NOW = SystemClock().local().strftime("%Y%m%d%H%M%S")


class Store:
    """One terminal and its reader, whose keys the host gave out, and what the host answered."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        sale = request()
        database.executemany(
            "INSERT INTO issued_key (ikid, role, owner, sequence) VALUES (?, ?, ?, 1)",
            [(TERMINAL, "TERMINAL", sale.terminal_id), (READER, "READER", "reader-1")],
        )
        merchant = Merchant(merchant_id=sale.merchant_id, business_number="1234567890", name="m")
        terms = HostTerms(merchant=merchant, terminals=frozenset({sale.terminal_id}), pins={})
        self.desk = Desk(database, SystemClock(), terms, Mock())
        self._mac = _keys(TERMINAL, Role.TERMINAL)
        self._data = _keys(READER, Role.READER)
        self._counter = 0
        self._left: list[Delivery] = []

    def sale(self, **changes: object) -> Financial:
        """A sale of now, with card data of its own key."""
        cipher = encrypt_track(self._data.working_key(1, Usage.DATA_ENCRYPTION), "4111111111111111D99122010000000000")
        fields = {"local": NOW, "business_day": NOW[:8], "ksn": make_ksn(READER, 1), "cipher": cipher}
        return request(**(fields | changes))  # type: ignore[arg-type]

    def send(self, message: Financial | Reversal, *, genuine: bool = True) -> None:
        """It comes to the host, and waits for the turn's end."""
        self._counter += 1
        unsealed = ADAPTER.encode(message)
        ksn, (key, _) = make_ksn(TERMINAL, self._counter), self._mac.mac_keys(self._counter)
        mac = cmac8(key if genuine else bytes(16), unsealed.head + ksn + unsealed.tail)
        self.desk.take(ADAPTER.seal(unsealed, ksn, mac), self._take)

    def answers(self) -> list[tuple[str, str]]:
        """End the turn: STAN and response code of each answer, as they left."""
        self.desk.settle()
        left, self._left = self._left, []
        opened = [ADAPTER.open(delivery.pieces[0][LENGTH_BYTES:]) for delivery in left]
        return [(answer.stan, answer.response_code) for answer in opened]

    def _take(self, what: Sequence[Delivery]) -> None:
        self._left.extend(what)


def _keys(ikid: bytes, role: Role) -> Derivation:
    return Derivation(derive_initial_key(BDK[role], ikid), ikid)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    database = open_database(tmp_path / "host.sqlite3")
    yield Store(database)
    database.close()


def test_answers_leave_in_the_order_of_their_requests(store: Store) -> None:
    """One that is not genuine among them holds up nobody, and is booked by nobody."""
    first, forged, last = store.sale(), store.sale(), store.sale()
    store.send(first)
    store.send(forged, genuine=False)
    store.send(last)
    assert [(first.stan, "00"), (forged.stan, "63"), (last.stan, "00")] == store.answers()
    assert [first.stan, last.stan] == [entry.stan for entry in store.desk.ledger.entries(0, 10)]


def test_a_reversal_finds_the_sale_of_its_own_turn(store: Store) -> None:
    """The sale, its reversal, and the sale once more: the last one comes too late."""
    sale = store.sale()
    reversal = reversal_of(sale, local=NOW, business_day=NOW[:8])
    store.send(sale)
    store.send(reversal)
    store.send(sale)
    assert [(sale.stan, "00"), (reversal.stan, "00"), (sale.stan, "12")] == store.answers()
    assert [0] == [entry.net_minor for entry in store.desk.ledger.entries(0, 10)]


def test_what_was_ordered_once_meets_the_first(store: Store) -> None:
    """Of two sales of a turn the first is declined as ordered, the second is not."""
    store.desk.behaviour = HostBehaviour(mode=HostMode.DECLINE, code="05", times=1)
    first, second = store.sale(), store.sale()
    store.send(first)
    store.send(second)
    assert [(first.stan, "05"), (second.stan, "00")] == store.answers()


def test_a_turn_whose_commit_fails_is_not_answered(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is booked, and the next turn is answered."""
    store.database.commit()

    def full() -> None:
        store.database.rollback()
        raise sqlite3.OperationalError("database or disk is full")

    store.send(store.sale())
    with monkeypatch.context() as broken:
        broken.setattr(store.desk.ledger, "commit", full)
        assert [] == store.answers()
    later = store.sale()
    store.send(later)
    assert [(later.stan, "00")] == store.answers()
    assert [later.stan] == [entry.stan for entry in store.desk.ledger.entries(0, 10)]

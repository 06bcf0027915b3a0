"""A journal from a backup: no STAN comes twice, nothing is judged by a guess, and the chain says that it happened."""

from __future__ import annotations

from contextlib import closing

import pytest
from msgspec.structs import replace

from tests.harness.journals import Place
from tests.unit.transaction.samples import BALANCE, NOW_MS, PAYMENT, payment_in
from tpayd.transaction import events as ev
from tpayd.transaction.journal import Found, JournalStore, StanBlock
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.journal.place import JournalPlace
from tpayd.transaction.journal.restoring import STAN_SKIP, STANS, MadeSafe, RestoredFrom, make_safe, skipped
from tpayd.transaction.journal.verifying import verify
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S

DAY_MS = 86_400_000
SOURCE = RestoredFrom("b" * 8, NOW_MS, NOW_MS + 3_600_000)


def kept(place: Place, *payments: Payment, blocks: tuple[StanBlock, ...] = ()) -> None:
    """A journal with these payments, each in its state by one event."""
    with closing(JournalStore(place.url)) as store:
        store.open()
        store.write([Entry(each, ev.Created(each), NOW_MS) for each in payments], list(blocks))


def restored(place: Place, source: RestoredFrom = SOURCE, terminals: tuple[tuple[str, str], ...] = ()) -> MadeSafe:
    return make_safe(JournalPlace(place.url, None), source, terminals)


def found(place: Place) -> Found:
    with closing(JournalStore(place.url)) as store:
        return store.open()


def named(state: S, number: int, order: Order | None = None) -> Payment:
    payment = payment_in(state) if order is None else payment_in(state, order=order)
    return replace(payment, payment_id=f"p{number:035d}", request_id=f"r{number:035d}", lane=str(number))


def test_every_terminal_goes_on_half_the_circle_further(place: Place) -> None:
    """Also one that had sold nothing when the backup was taken, and under the other host profile."""
    kept(place, PAYMENT, blocks=(StanBlock("test", "TPAY0001", 300), StanBlock("test", "TPAY0002", 999_999)))
    restored(place, terminals=(("test", "TPAY0001"), ("live", "TPAY0001"), ("test", "TPAY0003")))
    wanted = {("test", "TPAY0001"): 500_300, ("test", "TPAY0002"): 500_000, ("live", "TPAY0001"): 500_000}
    assert wanted | {("test", "TPAY0003"): 500_000} == found(place).stan_blocks


@pytest.mark.parametrize("last", [0, 1, 100, 499_999, 500_000, 500_001, 999_900, 999_999])
def test_a_skip_stays_on_the_circle_and_is_never_small(last: int) -> None:
    """From 000001 to 999999."""
    after = skipped(last)
    assert 1 <= after <= STANS
    assert STAN_SKIP - 1 <= (after - last) % STANS <= STAN_SKIP


def test_what_was_open_is_asked_about_and_never_guessed(place: Place) -> None:
    """Before the backup nobody had sent CREATED to CARD_READ; since then somebody may have."""
    states = (S.CREATED, S.LEASED, S.CARD_READ, S.SENDING, S.AUTHORIZED, S.INQUIRING, S.REVERSING, S.NEEDS_HUMAN)
    kept(place, *(named(state, number) for number, state in enumerate(states, 1)))
    assert MadeSafe(lanes=8, terminals=0, inquired=3, lost=3, reversing=1) == restored(place)
    now = {payment.lane: payment.state for payment in found(place).open}
    assert {"4": S.INQUIRING, "5": S.INQUIRING, "6": S.INQUIRING, "7": S.REVERSING, "8": S.NEEDS_HUMAN} == now


def test_a_balance_moved_no_money(place: Place) -> None:
    """It is not asked about."""
    kept(place, named(S.SENDING, 1, BALANCE))
    assert 0 == restored(place).inquired
    assert () == found(place).open


def test_a_payment_is_not_taken_back_for_an_acknowledgement_that_was_lost(place: Place) -> None:
    """The POS may have acknowledged it after the backup."""
    kept(place, replace(named(S.APPROVED, 1), reverse_unacknowledged=True))
    restored(place)
    assert [False] == [payment.reverse_unacknowledged for payment in found(place).unacknowledged]


def test_the_chain_says_that_it_was_restored(place: Place) -> None:
    """Each lane's; and it verifies."""
    kept(place, PAYMENT, replace(PAYMENT, lane="2", payment_id="q" * 36))
    restored(place)
    assert verify(place.url, lambda *_: None).intact
    marks = place.rows("select lane from events where event = 'store_restored' order by lane")
    assert [("1",), ("2",)] == marks


def test_the_gap_is_known_until_it_is_forgotten(place: Place) -> None:
    """A second restore within a month belongs to the same gap."""
    kept(place, PAYMENT)
    restored(place)
    gap = found(place).restored
    assert gap is not None
    assert (NOW_MS, NOW_MS + 3_600_000) == (gap.backup_ms, gap.restored_ms)
    later = RestoredFrom("c" * 8, NOW_MS + 10 * DAY_MS, NOW_MS + 11 * DAY_MS)
    restored(place, later)
    again = found(place).restored
    assert again is not None
    assert (NOW_MS, later.restored_ms) == (again.backup_ms, again.restored_ms)
    much_later = RestoredFrom("d" * 8, NOW_MS + 90 * DAY_MS, NOW_MS + 91 * DAY_MS)
    restored(place, much_later)
    new = found(place).restored
    assert new is not None
    assert much_later.backup_ms == new.backup_ms


def test_lanes_that_were_used_since_are_known(place: Place) -> None:
    """The first order of each other lane is doubted."""
    kept(place, PAYMENT, replace(PAYMENT, lane="2", payment_id="q" * 36))
    restored(place)
    assert frozenset() == found(place).lanes_since
    kept(place, replace(PAYMENT, lane="2", payment_id="s" * 36, request_id="s" * 36))
    assert frozenset({"2"}) == found(place).lanes_since


def test_where_nothing_was_sold_since_there_is_no_gap(place: Place) -> None:
    """A move to another machine: the open payments are those of a restart, and STANs are skipped all the same."""
    kept(place, named(S.SENDING, 1), blocks=(StanBlock("test", "TPAY0001", 100),))
    restored(place, replace_sold(SOURCE))
    now = found(place)
    assert (None, [S.SENDING]) == (now.restored, [payment.state for payment in now.open])
    assert {("test", "TPAY0001"): 500_100} == now.stan_blocks


def replace_sold(source: RestoredFrom) -> RestoredFrom:
    return RestoredFrom(source.backup_id, source.backup_ms, source.restored_ms, sold_since=False)

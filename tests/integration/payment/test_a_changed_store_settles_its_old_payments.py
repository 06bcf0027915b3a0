"""What changes between a payment and its reversal (number, day, profile, merchant) neither loses nor doubles it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime

import pytest

from tests.harness import Store, eventually
from tests.integration.payment.till import Till, new_id
from tpayd.transaction.steps.business_day import business_day_of
from tpayd.transaction.steps.stans import LAST
from tpayd_client.types import OriginalPayment, PaymentResult, VoidRequest
from tpayd_contracts.sandbox import HostMode

CUTOFF = "23:59"


@contextmanager
def changed(store: Store, *, file: str, old: str, new: str) -> Iterator[None]:
    """Another setting for the transaction process, which is stopped before and after."""
    path = store.instance.settings_file(file)
    before = path.read_text(encoding="utf-8")
    assert old in before
    store.kill("transaction")
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        if store["transaction"].running:
            store.kill("transaction")
        path.write_text(before, encoding="utf-8")


@pytest.fixture
def third(store: Store) -> Iterator[Till]:
    """Lane 3's till. The daemon is as it was afterwards."""
    with Till(store, "3") as till:
        till.reset()
        yield till
        if not store["transaction"].running:
            store.start("transaction")
            store.wait_ready()
        till.reset()


def restart(store: Store) -> None:
    store.start("transaction")
    store.wait_ready()


def reserve(store: Store, stan: int) -> None:
    """All of the terminal's STANs up to this one are used."""
    with closing(sqlite3.connect(store.instance.data / "journal.sqlite3")) as journal, journal:
        journal.execute("update stan_blocks set reserved_to = ? where terminal_id = 'TPAY0003'", (stan,))


def test_numbers_that_wrap_and_a_day_that_ends_in_mid_payment(store: Store, third: Till) -> None:
    """The reversal has a number and a day of its own, names the old ones, and is understood; so are later sales."""
    store.sandbox.host(HostMode.APPROVE, delay_ms=1_200, times=1)
    request_id = new_id()
    with ThreadPoolExecutor(1) as thread, store.client() as pos:
        selling = thread.submit(pos.sale, "3", 34_001, request_id=request_id, timeout_s=60)
        eventually(lambda: booked(store, 34_001), timeout_s=10, what="the host has it")
        sold = third.status(request_id)
        settled, later = across_the_turn(store, third, request_id)
        told = selling.result(60)
    assert ("NOT_PAID", "restarted") == (told.verdict, told.reason)
    assert ("NOT_PAID", "reversed", 0) == (settled.verdict, settled.state, third.host_net(settled))
    assert (sold.stan, sold.business_day) == (settled.stan, settled.business_day)
    assert ["PAID", "PAID"] == [each.verdict for each in later]
    assert {business_day_of(datetime.now().astimezone(), CUTOFF)} == {each.business_day for each in later}
    assert "000002" == later[-1].stan


def booked(store: Store, amount: int) -> bool:
    return any(entry.amount_minor == amount for entry in store.sandbox.ledger())


def across_the_turn(store: Store, third: Till, request_id: str) -> tuple[PaymentResult, list[PaymentResult]]:
    """The payment once it is settled on the next day, when the numbers begin again, and two sales of that day."""
    cutoff = {"old": 'business_day_cutoff = "00:00"', "new": f'business_day_cutoff = "{CUTOFF}"'}
    with changed(store, file="transaction", **cutoff):
        reserve(store, LAST - 1)
        restart(store)
        settled = third.settled(request_id)
        later = [third.sale(34_002), third.sale(34_003)]
    reserve(store, 500_000)
    restart(store)
    return settled, later


def test_the_profile_stays_while_a_reversal_is_open(store: Store, third: Till) -> None:
    """STANs, keys and totals belong to it: another one is refused by name, and back under the old one it is settled."""
    store.sandbox.host(HostMode.SILENT)
    sold = third.sale(34_004)
    with changed(store, file="store", old='host_profile = "test"', new='host_profile = "live"'):
        store.start("transaction")
        status = store["transaction"].exit_status()
    store.sandbox.host(HostMode.APPROVE)
    restart(store)
    settled = third.settled(sold.request_id)
    told = store["transaction"].output.read_text()
    assert status != 0
    assert re.search(r"host_profile: \d+ payments are unsettled under profile test", told)
    assert ("reversed", 0) == (settled.state, third.host_net(settled))


def test_another_merchants_payment_is_not_given_back(store: Store, third: Till) -> None:
    """The host says 03; nothing is paid out, and the sale stands."""
    sold = third.sale(34_005)
    assert sold.receipt is not None
    day = sold.receipt.printed_at[:10].replace("-", "")
    merchant = store.instance.settings_file("store").read_text(encoding="utf-8").split('id = "')[1].split('"')[0]
    with changed(store, file="store", old=f'"{merchant}"', new='"SOMEBODYELSE001"'):
        restart(store)
        named = OriginalPayment(approval_code=sold.approval_code, approved_on=day, amount_minor=34_005)
        voided = third.pos.order(VoidRequest("3", named))
    assert ("NOT_PAID", "declined_by_host", "03") == (voided.verdict, voided.reason, voided.response_code)
    assert 34_005 == third.host_net(sold)

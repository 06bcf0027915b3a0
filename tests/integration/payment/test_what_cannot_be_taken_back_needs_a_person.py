"""What the host refuses to take back, or what can't be sent to it any more, becomes a person's work, and says why."""

from __future__ import annotations

import contextlib

from tests.harness import Store, eventually
from tests.integration.host.metrics import counted
from tests.integration.payment.till import Till
from tpayd.key_manager.places import provider_of, store_file
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.states import Event
from tpayd.key_manager.store import KeyStore, Step
from tpayd_client.types import KeyUsage, OwedReversal, PaymentResult, SettledAs
from tpayd_contracts.sandbox import HostMode, HostRequest


def given_up(till: Till, request_id: str) -> OwedReversal:
    """As it is listed for a person."""
    found: list[OwedReversal] = []

    def listed() -> bool:
        reversals = till.pos.owed_reversals(till.lane).reversals
        found[:] = [each for each in reversals if (each.request_id, each.state) == (request_id, "needs_human")]
        return bool(found)

    eventually(listed, timeout_s=30, what=lambda: f"a person's work: {till.status(request_id)}")
    return found[0]


def alarm(till: Till, sold: PaymentResult) -> str:
    """What the log says to whoever watches it."""

    def told() -> list[str]:
        lines = [line for line in till.store.logs("transaction") if line["event"] == "payment.needs_human"]
        return [line["why"] for line in lines if line["payment"] == sold.payment_id]

    (why,) = eventually(told, timeout_s=10, what="the alarm in the log")
    return why


def settle(till: Till, request_id: str) -> PaymentResult:
    return till.pos.settle(till.lane, request_id, SettledAs.REVERSED, "acquirer's desk, case 119")


def test_a_host_that_refuses_for_ever(till: Till) -> None:
    """Six times, then the alarm with the host's code, a number to watch, and the command that settles it."""
    till.store.sandbox.host(HostMode.DECLINE, code="05", only=HostRequest.REVERSAL)
    till.cards("declining-ic")
    sold = till.sale(28_001)
    owed = given_up(till, sold.request_id)
    assert (("NOT_PAID", True), (6, "05")) == ((sold.verdict, sold.reversal_pending), (owed.tries, owed.answer))
    assert "the host refused it: 05" == alarm(till, sold)
    assert 1 == counted(till.store, "transaction", "tpayd_transaction_needs_human")
    settled = settle(till, sold.request_id)
    assert ("reversed", False) == (settled.state, settled.reversal_pending)
    assert 0 == counted(till.store, "transaction", "tpayd_transaction_needs_human")


def test_a_payment_whose_key_is_gone(store: Store) -> None:
    """No try is burnt and none is made without end; after its limit a person is told, with the key's name."""
    with Till(store, "3") as till:
        till.reset()
        store.sandbox.host(HostMode.DEAF)
        sold = till.sale(28_002)
        key_id = purge_key(store, "TPAY0003")
        owed = given_up(till, sold.request_id)
        told = till.pos.explain("3", sold.request_id).steps[-1]
        store.sandbox.host(HostMode.APPROVE)
        till.pos.exchange_terminal_key("TPAY0003")
        assert ("NOT_PAID", "host_silent") == (sold.verdict, sold.reason)
        assert owed.tries < 6
        assert f"terminal TPAY0003 has no key {key_id} in profile test" == alarm(till, sold)
        assert "reversal_impossible" == told.event
        assert key_id in told.text
        assert "reversed" == settle(till, sold.request_id).state
        assert "PAID" == till.sale(28_003).verdict


def purge_key(store: Store, terminal_id: str) -> str:
    """What the key manager does with a replaced key after 90 days. Returns its id."""
    with store.client() as pos:
        keys = pos.keys().keys
    (key_id,) = [key.key_id for key in keys if (key.usage, key.owner) == (KeyUsage.TERMINAL_MAC, terminal_id)]
    store.kill("key_manager")
    provider = provider_of(store.instance, KeyManagerSettings())
    with contextlib.closing(KeyStore.open(store_file(store.instance.data), provider)) as keys_on_disk:
        keys_on_disk.load()
        keys_on_disk.change(0, Step(Event.PURGE, key_id))
    store.start("key_manager")
    store.wait_ready("key_manager", degraded=True)
    return key_id

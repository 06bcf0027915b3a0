"""A sale goes from the POS over the reader to the host, and comes back as one verdict that all books share."""

from __future__ import annotations

import pytest

from tests.integration.payment.till import Till
from tpayd_client.types import Amount, PaymentProgress
from tpayd_contracts.sandbox import HostMode


@pytest.mark.parametrize(
    ("card", "entry_mode"),
    [("visa-ic", "ic"), ("visa-tap", "contactless"), ("jcb-stripe", "stripe"), ("broken-ic", "fallback")],
)
def test_every_kind_of_card_pays(till: Till, card: str, entry_mode: str) -> None:
    """Chip, tap, stripe, and the stripe of a broken chip."""
    till.cards(card)
    result = till.sale(11_000)
    assert ("PAID", "approved", entry_mode) == (result.verdict, result.state, result.card and result.card.entry_mode)
    entry = till.booked(result)
    assert entry is not None
    assert (11_000, result.approval_code) == (entry.net_minor, entry.approval_code)


def test_the_result_holds_what_a_receipt_needs(till: Till) -> None:
    """Masked card, issuer, approval, merchant, terminal, amounts, and whose time it took."""
    till.cards("visa-ic")
    amount = Amount(total_minor=11_000, supply_minor=9_000, vat_minor=900, service_charge_minor=600, tax_free_minor=500)
    result = till.pos.sale("1", amount, 3, reference="R-17", timeout_s=30)
    assert result.card is not None
    assert result.receipt is not None
    assert result.times is not None
    pan = result.card.masked_pan
    assert (True, True, True) == (pan[:6].isdigit(), set(pan[6:-4]) == {"*"}, pan[-4:].isdigit())
    assert result.card.issuer
    assert (amount, "R-17", 3) == (result.amount, result.reference, result.receipt.installments)
    assert ("TPAY0001", 15) == (result.receipt.terminal_id, len(result.receipt.merchant_id))
    assert {"84", "95", "9F26"} <= set(result.receipt.emv)
    times = result.times
    assert times.total_us == times.customer_us + times.reader_us + times.host_us + times.daemon_us
    assert min(times.reader_us, times.host_us, times.daemon_us) > 0


def test_the_cashier_sees_each_step(till: Till) -> None:
    """In both languages, in the order in which they happen; what lasts too short to be read is left out."""
    till.cards("visa-ic", delay_ms=250)
    till.store.sandbox.host(HostMode.APPROVE, delay_ms=250)
    steps: list[PaymentProgress] = []
    till.pos.sale("1", 1_000, on_progress=steps.append, timeout_s=30)
    assert ["present_card", "asking_host"] == [step.step for step in steps]
    assert all(step.text and step.text_ko for step in steps)


def test_a_decline_is_told_with_its_code(till: Till) -> None:
    """Not an error: a verdict."""
    result = till.sale(10_051)
    assert ("NOT_PAID", "declined", "declined_by_host", "51") == (
        result.verdict,
        result.state,
        result.reason,
        result.response_code,
    )
    entry = till.booked(result)
    assert entry is None or entry.net_minor == 0


def test_a_card_that_declines_after_the_approval_is_not_charged(till: Till) -> None:
    """The card has the last word: the approval is reversed."""
    till.cards("declining-ic")
    result = till.sale(11_000)
    assert ("NOT_PAID", "declined_by_card") == (result.verdict, result.reason)
    settled = till.settled(result.request_id)
    entry = till.booked(settled)
    assert ("reversed", 0) == (settled.state, entry.net_minor if entry is not None else None)


def test_an_acknowledged_payment_is_closed(till: Till) -> None:
    """And may be acknowledged again."""
    result = till.sale()
    assert ["closed", "closed"] == [till.pos.acknowledge("1", result.request_id).state for _ in range(2)]
    assert "PAID" == till.status(result.request_id).verdict

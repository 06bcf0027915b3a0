"""How payments end, and whose time they take, as metrics: by words of the contract, never by who or how much."""

from __future__ import annotations

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from tests.unit.transaction.samples import PAYMENT
from tpayd.transaction.figures import PaymentFigures
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState, Reason


def seen(*payments: Payment, timed: bool = True) -> dict[str, float]:
    figures = PaymentFigures()
    for payment in payments:
        figures.ended(payment, timed=timed)
    registry = CollectorRegistry()
    registry.register(figures)
    return {
        f"{sample.name} {' '.join(sample.labels.values())}".strip(): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


APPROVED = replace(
    PAYMENT, state=PaymentState.APPROVED, reason=None, customer_us=4_000_000, reader_us=300_000, host_us=700_000,
    total_us=5_020_000,
)  # fmt: skip
DECLINED = replace(APPROVED, state=PaymentState.DECLINED, reason=Reason.DECLINED_BY_HOST)


def test_ends_are_counted_by_kind_verdict_and_reason() -> None:
    """A payment that is PAID has no reason."""
    found = seen(APPROVED, APPROVED, DECLINED)

    assert 2 == found["tpayd_transaction_payments_total sale PAID"]
    assert 1 == found["tpayd_transaction_payments_total sale NOT_PAID declined_by_host"]


def test_the_time_is_split_by_whose_share_it_was() -> None:
    """What a user feels is the daemon's own share: all of it without the customer's, the reader's and the host's."""
    found = seen(APPROVED)

    sums = {
        share: round(found[f"tpayd_transaction_payment_seconds_sum {share}"], 6)
        for share in ("customer", "reader", "host", "daemon", "total")
    }
    assert {"customer": 4.0, "reader": 0.3, "host": 0.7, "daemon": 0.02, "total": 5.02} == sums
    assert 0 == found["tpayd_transaction_payment_seconds_bucket daemon 0.01"]
    assert 1 == found["tpayd_transaction_payment_seconds_bucket daemon 0.025"]


def test_a_payment_that_a_restart_cut_has_no_time_of_its_own() -> None:
    """Nobody knows how long it took: only its end is counted."""
    found = seen(DECLINED, timed=False)

    assert 1 == found["tpayd_transaction_payments_total sale NOT_PAID declined_by_host"]
    assert 0 == found["tpayd_transaction_payment_seconds_count total"]


def test_a_buried_id_is_no_payment() -> None:
    """Nobody ordered anything."""
    assert not [name for name in seen(replace(DECLINED, order=None)) if "payments_total" in name]

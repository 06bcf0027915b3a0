"""A payment that no POS acknowledges stands and is listed; by setting it is taken back, and the first step wins."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.harness import Store, eventually
from tests.integration.payment.conftest import IMPATIENT
from tests.integration.payment.till import Till
from tpayd_client import TpaydError
from tpayd_client.types import OriginalPayment, PaymentResult, VoidRequest
from tpayd_contracts.sandbox import HostMode, HostRequest

REVERSING = {"transaction": IMPATIENT["transaction"] | {"unacknowledged": "reverse", "unacknowledged_after_s": 1.0}}


def listed(till: Till) -> dict[str, str]:
    """Request id → policy."""
    return {each.request_id: each.policy.value for each in till.pos.unacknowledged(till.lane).payments}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that takes back what is not acknowledged."""
    with Store(tmp_path_factory.mktemp("strict"), lanes=1, readers=1, settings=REVERSING) as running:
        running.open_shop(card="visa-tap")
        yield running


def reversed_(till: Till, request_id: str) -> PaymentResult:
    last = [till.status(request_id)]

    def done() -> bool:
        last[:] = [till.status(request_id)]
        return last[0].state == "reversed"

    eventually(done, timeout_s=40, what=lambda: f"a reversed payment; last: {last}")
    return last[0]


def void(till: Till, sold: PaymentResult) -> PaymentResult:
    return till.pos.order(VoidRequest("1", OriginalPayment(request_id=sold.request_id)))


def test_it_is_listed_once_its_time_is_over_and_stands(till: Till) -> None:
    """Not before; with amount and approval, until it is acknowledged after all."""
    prompt, late = till.sale(27_001), till.sale(27_002)
    till.pos.acknowledge("1", prompt.request_id)
    assert late.request_id not in listed(till)
    eventually(lambda: late.request_id in listed(till), timeout_s=10, what="the late one in the list")
    assert prompt.request_id not in listed(till)
    entry = next(each for each in till.pos.unacknowledged().payments if each.request_id == late.request_id)
    assert (27_002, late.approval_code, "keep") == (entry.amount_minor, entry.approval_code, entry.policy)
    assert "PAID" == till.pos.acknowledge("1", late.request_id).verdict
    assert late.request_id not in listed(till)


def test_it_is_listed_after_a_restart(till: Till) -> None:
    """The list is made from the journal."""
    late = till.sale(27_003)
    till.store.restart("transaction")
    till.store.wait_ready()
    eventually(lambda: late.request_id in listed(till), timeout_s=10, what="the late one in the list")
    till.pos.acknowledge("1", late.request_id)
    till.store.restart("transaction")
    till.store.wait_ready()
    assert late.request_id not in listed(till)


def test_by_setting_it_is_taken_back(strict: Store) -> None:
    """NOT PAID with its own reason; the host's book agrees; an acknowledgement that comes late hears so."""
    with Till(strict) as till:
        sold = till.sale(27_004)
        assert "PAID" == sold.verdict
        after = reversed_(till, sold.request_id)
        assert ("NOT_PAID", "never_acknowledged") == (after.verdict, after.reason)
        booked = till.booked(sold)
        assert booked is not None
        assert 0 == booked.net_minor
        late = till.pos.acknowledge("1", sold.request_id)
        assert ("NOT_PAID", "never_acknowledged") == (late.verdict, late.reason)
        story = [step.event for step in till.pos.explain("1", sold.request_id).steps]
        assert story.index("left_unacknowledged") < story.index("reversal_answered")


def test_an_acknowledgement_in_time_settles_it(strict: Store) -> None:
    """Whatever happens afterwards, it stands."""
    with Till(strict) as till:
        lost, kept = till.sale(27_005), till.sale(27_006)
        till.pos.acknowledge("1", kept.request_id)
        reversed_(till, lost.request_id)
        assert "PAID" == till.status(kept.request_id).verdict
        booked = till.booked(kept)
        assert booked is not None
        assert 27_006 == booked.net_minor


def test_a_restart_gives_the_pos_its_time_once_more(strict: Store) -> None:
    """It may not have been able to acknowledge; then it is taken back all the same."""
    with Till(strict) as till:
        sold = till.sale(27_007)
        strict.restart("transaction")
        strict.wait_ready()
        assert "PAID" == till.status(sold.request_id).verdict
        assert "never_acknowledged" == reversed_(till, sold.request_id).reason


def test_what_is_being_voided_is_not_reversed_as_well(strict: Store) -> None:
    """Whoever voids a payment knows of it: the money is given back once."""
    with Till(strict) as till:
        sold = till.sale(27_008)
        till.pos.acknowledge("1", void(till, sold).request_id)
        time.sleep(2.5)  # past the time to acknowledge, and a round of the sweep
        after = till.status(sold.request_id)
        assert ("PAID", 27_008) == (after.verdict, after.voided_minor)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_void_that_is_not_acknowledged_is_undone(strict: Store, restarted: bool) -> None:
    """Then the sale stands again, whether or not the daemon still had it in memory."""
    with Till(strict) as till:
        sold = till.sale(27_009)
        till.pos.acknowledge("1", sold.request_id)
        voided = void(till, sold)
        assert "PAID" == voided.verdict
        if restarted:
            strict.restart("transaction")
            strict.wait_ready()
        undone = reversed_(till, voided.request_id)
        after = till.status(sold.request_id)
        assert ("NOT_PAID", "PAID", 0) == (undone.verdict, after.verdict, after.voided_minor)
        assert 27_009 == till.host_net(sold)


def test_a_void_is_undone_before_another_begins(strict: Store) -> None:
    """Until the host has taken it back, its original is claimed; afterwards it is voided like any other."""
    with Till(strict) as till:
        sold = till.sale(27_010)
        till.pos.acknowledge("1", sold.request_id)
        first = void(till, sold)
        strict.sandbox.host(HostMode.DEAF, only=HostRequest.REVERSAL)
        eventually(lambda: till.status(first.request_id).reversal_pending, timeout_s=10, what="a void that is undone")
        with pytest.raises(TpaydError) as refused:
            void(till, sold)
        assert ("claimed", "not_started", "$.original") == (
            refused.value.code, refused.value.outcome, refused.value.field,
        )  # fmt: skip
        strict.sandbox.host(HostMode.APPROVE)
        reversed_(till, first.request_id)
        second = void(till, sold)
        till.pos.acknowledge("1", second.request_id)
        assert ("PAID", 27_010) == (second.verdict, till.status(sold.request_id).voided_minor)
        assert 0 == till.host_net(sold)

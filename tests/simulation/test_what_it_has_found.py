"""Stories that once ended with money lost. Each is told by hand, so that it stays whatever becomes of the seeds."""

import pytest

from tests.simulation.card_host import Manner
from tests.simulation.plan import Fault, Plan, Trouble, Visit
from tests.simulation.world import run
from tpayd.sandbox.card_list import CardKind
from tpayd_contracts.payment import PaymentKind


def story(visits: tuple[Visit, ...], faults: tuple[Fault, ...]) -> Plan:
    """One lane, one reader, one line, and nothing by chance."""
    return Plan(
        seed=1, visits=visits, faults=faults, lanes=("lane-1",), readers=1, lines=1, answer_wait_s=1.5,
        host_max_processing_s=6.0, remembers_orphans=False, stans_left=None, stan_last=None, midnight_in_s=None,
        bus_losses=0.0, slow_bus=0.0, key_refusals=0.0, signs=False,
    )  # fmt: skip


@pytest.mark.parametrize("steps", range(0, 60, 6))
def test_a_clock_set_forward_does_not_make_not_found_count(steps: int) -> None:
    """A cash-IC sale is slow at the host; somebody sets the clock, and the process dies: the sale is not given up."""
    sale = Visit(
        name="v1", lane="lane-1", begin_s=2, kind=PaymentKind.CASH_IC_SALE, amount_minor=1_500,
        card=CardKind.CASH_IC, card_after_s=0.3, host=Manner.SLOW,
    )  # fmt: skip
    step = Fault(kind=Trouble.CLOCK_STEP, at_s=4.4, for_s=7.0)
    kill = Fault(kind=Trouble.KILL, target="transaction", at_s=4.5, for_s=0.3, steps=steps)
    assert () == run(story((sale,), (step, kill))).violations


def test_a_clock_set_back_does_not_keep_a_reversal_going_for_hours() -> None:
    """'Not found' counts after the host's longest processing time, whatever the calendar says."""
    sale = Visit(
        name="v1", lane="lane-1", begin_s=2, amount_minor=1_500, card=CardKind.CONTACTLESS, card_after_s=0.3,
        host=Manner.DEAF,
    )  # fmt: skip
    step = Fault(kind=Trouble.CLOCK_STEP, at_s=6.0, for_s=-7_200.0)
    assert () == run(story((sale,), (step,))).violations


def test_money_is_not_given_back_again_while_nobody_knows_whether_it_was() -> None:
    """A void that needs a person keeps its claim: another void of the same sale is refused."""
    sale = Visit(
        name="v1", lane="lane-1", begin_s=1, amount_minor=1_500, card=CardKind.CONTACTLESS, card_after_s=0.3
    )  # fmt: skip
    void = Visit(
        name="v2", lane="lane-1", begin_s=3, kind=PaymentKind.VOID, of="v1", amount_minor=1_500, card=None,
        card_after_s=0.3, host=Manner.SILENT, reversals=(Manner.DEAF,) * 6,
    )  # fmt: skip
    again = Visit(
        name="v3", lane="lane-1", begin_s=30, kind=PaymentKind.VOID, of="v1", amount_minor=1_500, card=None,
        card_after_s=0.3,
    )  # fmt: skip
    assert () == run(story((sale, void, again), ())).violations


@pytest.mark.parametrize("steps", range(0, 40, 4))
def test_an_abort_that_was_told_is_not_forgotten_by_a_power_cut(steps: int) -> None:
    """The POS hears NOT PAID and dies, the power fails, and the POS sends its sale again: it stays NOT PAID."""
    sale = Visit(
        name="v1", lane="lane-1", begin_s=2, amount_minor=1_500, card=CardKind.CONTACTLESS, card_after_s=2.0,
        aborted_after_s=0.5, crash_after_s=0.6, sends_again=True,
    )  # fmt: skip
    cut = Fault(kind=Trouble.CUT_AT_TELL, at_s=1.0, for_s=1.0, steps=steps)
    assert () == run(story((sale,), (cut,))).violations

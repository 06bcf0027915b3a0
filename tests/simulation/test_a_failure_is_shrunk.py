"""What is told of a failing seed is what it takes to fail, and no more."""

from dataclasses import replace

from tests.simulation.plan import Fault, Plan, Trouble, plan_of
from tests.simulation.shrink import shrink


def test_all_that_is_not_needed_is_left_out() -> None:
    """Visits, faults and habits that a failure does not need."""
    plan = plan_of(0)
    needed = Fault(kind=Trouble.POWER_CUT, at_s=1.0)
    others = tuple(Fault(kind=Trouble.LINE_BREAK, at_s=float(at)) for at in range(9))
    plan = replace(plan, faults=(*others[:4], needed, *others[4:]))
    wanted = plan.visits[-1].name

    def fails(smaller: Plan) -> bool:
        return needed in smaller.faults and wanted in {visit.name for visit in smaller.visits}

    small = shrink(plan, fails)
    assert (needed,) == small.faults
    assert [wanted] == [visit.name for visit in small.visits]

"""Makes a failing plan smaller while it still fails: what is left is what it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from tests.simulation.plan import Plan, Visit

__all__ = ["shrink"]

T = TypeVar("T")

RUNS_MAX = 300


def shrink(plan: Plan, fails: Callable[[Plan], bool]) -> Plan:
    """The smallest plan found that still fails, in at most RUNS_MAX runs."""
    left = RUNS_MAX

    def still(smaller: Plan) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and fails(smaller)

    before = None
    while before != plan and left > 0:
        before = plan
        plan = replace(plan, faults=_fewer(plan.faults, lambda some: still(replace(plan, faults=tuple(some)))))  # noqa: B023
        plan = replace(plan, visits=_fewer(plan.visits, lambda some: still(replace(plan, visits=tuple(some)))))  # noqa: B023
        plan = _plainer(plan, still)
    return plan


def _fewer(things: Sequence[T], still: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """Without as many of them as can be left out, first large parts, then single ones."""
    kept = list(things)
    size = max(1, len(kept) // 2)
    while kept:
        at = 0
        while at < len(kept):
            without = kept[:at] + kept[at + size :]
            if still(without):
                kept = without
            else:
                at += size
        if size == 1:
            break
        size = max(1, size // 2)
    return tuple(kept)


def _plainer(plan: Plan, still: Callable[[Plan], bool]) -> Plan:
    """With the visits' habits left out, one after the other."""
    plain: dict[str, Any] = {field.name: field.default for field in fields(Visit)}
    for place, _ in enumerate(plan.visits):
        for name in _HABITS:
            visit = plan.visits[place]
            if getattr(visit, name) != plain[name]:
                visits = (*plan.visits[:place], replace(visit, **{name: plain[name]}), *plan.visits[place + 1 :])
                smaller = replace(plan, visits=visits)
                if still(smaller):
                    plan = smaller
    return plan


_HABITS = (
    "asks_before", "doubled_after_s", "aborted_after_s", "left_after_s", "crash_after_s", "sends_again", "repeats",
    "conflicts", "reinstalled", "gives_up", "card_stays_ms", "host", "reversals", "inquiries", "wait_s",
)  # fmt: skip

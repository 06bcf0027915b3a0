"""When to try again after a failure: a table, and nothing else. Pure.

Nothing is given up for good, since a vendor may mend his server without a word to the store: where somebody has to act,
the tries become rare, and an alarm tells of it. The one exception is a bundle that is not what it should be.

A wrong password is tried seldom enough not to lock the account: three in a row are common limits.
"""

from __future__ import annotations

from dataclasses import dataclass

from tpayd.log_shipper.delivery.errors import Reason

__all__ = ["RULES", "Again", "Rule", "after_failure"]

_JITTER = 0.25
"""Share by which a wait differs at random, so that a chain's stores do not come back all at once."""
_DOUBLINGS_MAX = 20


@dataclass(frozen=True)
class Rule:
    """One row: waits double from the first to the longest."""

    first_s: float
    most_s: float
    needs_human: bool


@dataclass(frozen=True)
class Again:
    """What to do now."""

    wait_s: float | None
    """Until the next try; None: never by itself."""
    needs_human: bool
    """Raise the alarm: more tries alone will not help."""


_MINUTE_S = 60.0
_HOUR_S = 3600.0

RULES: dict[Reason, Rule] = {
    Reason.CUT: Rule(1.0, 5 * _MINUTE_S, needs_human=False),
    Reason.UNREACHABLE: Rule(2.0, 10 * _MINUTE_S, needs_human=False),
    Reason.BUSY: Rule(10.0, 10 * _MINUTE_S, needs_human=False),
    Reason.TOO_SLOW: Rule(30.0, 30 * _MINUTE_S, needs_human=False),
    Reason.NO_SPACE: Rule(10 * _MINUTE_S, _HOUR_S, needs_human=True),
    Reason.CONTENT: Rule(10 * _MINUTE_S, 6 * _HOUR_S, needs_human=True),
    Reason.NO_DIRECTORY: Rule(10 * _MINUTE_S, _HOUR_S, needs_human=True),
    Reason.PERMISSION: Rule(10 * _MINUTE_S, _HOUR_S, needs_human=True),
    Reason.UNSUPPORTED: Rule(_HOUR_S, 24 * _HOUR_S, needs_human=True),
    Reason.HOST_KEY: Rule(_HOUR_S, 6 * _HOUR_S, needs_human=True),
    Reason.CERTIFICATE: Rule(_HOUR_S, 6 * _HOUR_S, needs_human=True),
    Reason.LOGIN: Rule(_HOUR_S, 24 * _HOUR_S, needs_human=True),
    Reason.SETTINGS: Rule(10 * _MINUTE_S, _HOUR_S, needs_human=True),
}
"""Every reason but BUNDLE."""


def after_failure(reason: Reason, failures_in_row: int, draw: float) -> Again:
    """What follows the `failures_in_row`-th failure (from 1).

    A try that brought the bundle further than any before (`DeliveryError.done_bytes`) starts the count anew: a line
    that is cut every minute still gets it through.
    `draw` is a random number from 0 to 1; `failures_in_row` and `draw` outside of that raise ValueError.
    """
    if failures_in_row < 1 or not 0 <= draw <= 1:
        raise ValueError(f"failures_in_row is {failures_in_row} and draw {draw}; from 1 on, and from 0 to 1")
    rule = RULES.get(reason)
    if rule is None:
        return Again(None, needs_human=True)
    wait_s = min(rule.most_s, rule.first_s * 2 ** min(failures_in_row - 1, _DOUBLINGS_MAX))
    return Again(wait_s * (1 + _JITTER * (2 * draw - 1)), rule.needs_human)

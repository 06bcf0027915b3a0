"""Which failure is worth another try, when, and which one needs somebody to act: a table."""

from __future__ import annotations

import pytest

from tpayd.log_shipper.delivery import Again, Reason, after_failure
from tpayd.log_shipper.delivery.retry import RULES

FOR_PEOPLE = {
    Reason.HOST_KEY, Reason.CERTIFICATE, Reason.LOGIN, Reason.PERMISSION, Reason.NO_DIRECTORY, Reason.NO_SPACE,
    Reason.CONTENT, Reason.UNSUPPORTED, Reason.SETTINGS, Reason.BUNDLE,
}  # fmt: skip


@pytest.mark.parametrize("reason", list(Reason))
def test_somebody_is_called_only_where_he_can_help(reason: Reason) -> None:
    """A line that is down mends itself; a wrong key or a full disk does not."""
    assert (reason in FOR_PEOPLE) == after_failure(reason, 1, 0.5).needs_human


@pytest.mark.parametrize("reason", list(RULES))
@pytest.mark.parametrize("failures", [1, 2, 7, 1_000_000])
def test_waits_grow_to_their_limit_and_differ_by_a_quarter_at_most(reason: Reason, failures: int) -> None:
    """However long a server is away, nobody hammers it, and a chain's stores do not come back in one moment."""
    rule = RULES[reason]
    waits = [after_failure(reason, failures, draw).wait_s or 0 for draw in (0, 0.5, 1)]

    assert min(rule.most_s, rule.first_s * 2 ** min(failures - 1, 20)) == waits[1]
    assert (waits[1] * 0.75, waits[1] * 1.25) == (waits[0], waits[2])


def test_three_cuts_cost_seconds() -> None:
    """A bundle that is wanted now comes through a bad line within a minute."""
    waits = [after_failure(Reason.CUT, failures, 1).wait_s or 0 for failures in (1, 2, 3)]

    assert sum(waits) < 10


def test_a_wrong_password_does_not_lock_the_account() -> None:
    """Three tries within an hour or less are what servers commonly count."""
    waits = [after_failure(Reason.LOGIN, failures, 0).wait_s or 0 for failures in (1, 2)]

    assert sum(waits) > 3600


def test_a_bundle_that_is_not_what_it_should_be_is_never_tried_again() -> None:
    """It will not become right by itself."""
    assert Again(None, needs_human=True) == after_failure(Reason.BUNDLE, 1, 0.5)


@pytest.mark.parametrize(("failures", "draw"), [(0, 0.5), (1, -0.1), (1, 1.1)])
def test_a_count_or_draw_that_cannot_be_is_refused(failures: int, draw: float) -> None:
    """A fault of the caller is not a wait."""
    with pytest.raises(ValueError, match="from 1 on"):
        after_failure(Reason.CUT, failures, draw)

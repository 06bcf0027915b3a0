"""What a script learns from the exit status."""

from __future__ import annotations

import pytest

from tpayd.cli.errors import exit_for
from tpayd.cli.exits import Exit
from tpayd.cli.payment_view import exit_of
from tpayd_client import PaymentResult
from tpayd_client.types import PaymentState, Verdict
from tpayd_contracts.errors import ErrorCode


def result(verdict: str) -> PaymentResult:
    return PaymentResult(
        lane="1",
        request_id="00000000-0000-4000-8000-000000000000",
        verdict=Verdict(verdict),
        state=PaymentState.APPROVED,
        message="",
        message_ko="",
    )


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("PAID", Exit.OK), ("NOT_PAID", Exit.NO), ("WAIT", Exit.UNKNOWN), ("SOMETHING_NEW", Exit.UNKNOWN)],
)
def test_a_verdict(verdict: str, expected: Exit) -> None:
    """0 is PAID and nothing else; a word that this version does not know is no PAID."""
    assert expected == exit_of(result(verdict))


@pytest.mark.parametrize("code", list(ErrorCode))
def test_an_unknown_outcome_is_never_a_failure(code: ErrorCode) -> None:
    """Money may have moved: whatever the code, a script must ask again."""
    assert Exit.UNKNOWN == exit_for(code.value, "unknown")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ErrorCode.INVALID_BODY, Exit.USAGE),
        (ErrorCode.UNAVAILABLE, Exit.NOT_RUNNING),
        (ErrorCode.LANE_NOT_YOURS, Exit.REFUSED),
        (ErrorCode.LANE_BUSY, Exit.REFUSED),
        (ErrorCode.TIMEOUT, Exit.TIMEOUT),
        (ErrorCode.STORAGE_FAILED, Exit.FAILED),
    ],
)
def test_an_error_that_did_nothing(code: ErrorCode, expected: Exit) -> None:
    """Each kind of refusal has its own status."""
    assert expected == exit_for(code.value, "not_started")

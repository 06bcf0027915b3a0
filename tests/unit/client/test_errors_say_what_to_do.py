"""Errors are told apart by what the reader should do, and the outcome comes before the code."""

from __future__ import annotations

import pytest

from tpayd_client import errors
from tpayd_client.errors import error_from
from tpayd_client.types import ErrorBody, ErrorCode, Outcome


@pytest.mark.parametrize("code", [code.value for code in ErrorCode] + ["a_code_of_tomorrow"])
@pytest.mark.parametrize("outcome", ["not_started", "failed", "unknown", "a_word_of_tomorrow"])
def test_the_outcome_decides_first(code: str, outcome: str) -> None:
    """Unknown stays unknown whatever the code; nothing else is told as unknown."""
    error = error_from(ErrorBody(ErrorCode(code), "…", Outcome(outcome)))
    unknown = outcome not in {"not_started", "failed"}
    assert unknown == isinstance(error, errors.OutcomeUnknown)
    assert (outcome == "failed") == (type(error) is errors.Failed and outcome == "failed")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_body", errors.InvalidRequest),
        ("key_conflict", errors.InvalidRequest),
        ("unsupported_version", errors.NotAllowed),
        ("lane_not_yours", errors.NotAllowed),
        ("busy", errors.NotNow),
        ("lane_busy", errors.NotNow),
        ("expired", errors.NotNow),
    ],
)
def test_what_has_not_started_is_told_by_what_to_mend(code: str, kind: type[errors.TpaydError]) -> None:
    """The program, the registration, or nothing but the time."""
    assert kind is type(error_from(ErrorBody(ErrorCode(code), "…", Outcome.NOT_STARTED)))


def test_it_reads_as_a_sentence() -> None:
    """Code and message, and everything else as attributes."""
    error = error_from(ErrorBody(ErrorCode.INVALID_BODY, "Expected `int`", Outcome.NOT_STARTED, False, "$.amount"))
    assert ("invalid_body: Expected `int`", "$.amount", False) == (str(error), error.field, error.retryable)

"""A release that does not fit what is here is refused before anything is fetched, with the way out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tpayd.updater.fitting import Here, is_newer, misfit, raises_schema
from tpayd.updater.release import Release, Version, Wheel

RELEASE = Release(
    version=Version(0, 3, 0), wheels=(Wheel("wheels/tpayd-0.3.0-py3-none-any.whl", 1, "0" * 64),), python=(3, 11),
    journal_revision="0004", keystore_version=2, contract="1.0", min_from=Version(0, 2, 0),
    published_at=datetime(2026, 3, 2, tzinfo=UTC),
)  # fmt: skip
HERE = Here("0.2.0", (3, 11), "0004", 2)


def test_what_fits_is_taken() -> None:
    """Nothing to say."""
    assert ("", False) == (misfit(RELEASE, HERE), raises_schema(RELEASE, HERE))


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (replace(HERE, python=(3, 10)), "it needs Python 3.11 or newer, and this machine has 3.10"),
        (replace(HERE, running="0.1.9"), "go over to a release between them first"),
        (replace(HERE, journal_revision="0005"), "it could not read the payments"),
        (replace(HERE, keystore_version=3), "it could not read the keys"),
        (replace(HERE, journal_revision="0003"), "the old version could not come back"),
        (replace(HERE, keystore_version=1), "the old version could not come back"),
        (replace(HERE, rolled_back="0.3.0", rolled_back_why="it died"), "it was rolled back here (it died)"),
    ],
)
def test_what_does_not_fit_says_why(here: Here, said: str) -> None:
    """A newer Python, a step too far, an older schema, a release that has failed here."""
    assert said in misfit(RELEASE, here)


def test_a_release_that_was_rolled_back_can_be_asked_for_again() -> None:
    """By hand."""
    assert "" == misfit(RELEASE, replace(HERE, rolled_back="0.3.0"), again=True)


def test_what_is_not_known_refuses_nothing() -> None:
    """It is asked again at the last moment, with payments held back."""
    assert "" == misfit(RELEASE, replace(HERE, journal_revision="", keystore_version=0))


@pytest.mark.parametrize(
    ("version", "running", "expected"),
    [
        ("0.10.0", "0.9.0", True), ("0.9.0", "0.10.0", False), ("0.2.0", "0.2.0", False), ("nonsense", "0.1.0", False),
        ("0.1.0", "0.1.0.dev1", True),
    ],
)  # fmt: skip
def test_versions_are_compared_by_number(version: str, running: str, expected: bool) -> None:
    """And a version under development is older than any release."""
    assert expected is is_newer(version, running)

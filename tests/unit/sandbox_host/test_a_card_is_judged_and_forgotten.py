"""What is left of a card number in the sandbox's host."""

from __future__ import annotations

from datetime import date

import pytest

from tpayd.sandbox.host.cards import read_track

TODAY = date(2026, 3, 14)


@pytest.mark.parametrize(
    ("track", "refusal"),
    [
        ("4111111111111111D2603201", None),
        ("4111111111111111=3012201", None),
        ("4111111111111111D2602201", "54"),
        ("4111111111111111D", "54"),
        ("4111111111111112D3012201", "14"),
        ("41111111111D3012201", "14"),
    ],
)
def test_a_card_is_judged_by_its_number_and_expiry(track: str, refusal: str | None) -> None:
    """Check digit (14), and good to the end of its month (54)."""
    assert refusal == read_track(track, TODAY).refusal


def test_nothing_of_a_card_shows_its_number() -> None:
    """Six and four digits, and a token that is the same for the same card only."""
    card = read_track("4111111111111111D3012", TODAY)
    assert "411111******1111" == card.masked_pan
    assert "4111111111111111" not in repr(card)
    assert card.token == read_track("4111111111111111D2712", TODAY).token
    assert card.token != read_track("5500005555555559D3012", TODAY).token


def test_a_short_number_is_masked_whole() -> None:
    """Six and four would be all of it."""
    assert "**********" == read_track("4111111111D3012", TODAY).masked_pan

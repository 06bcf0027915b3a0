"""A signature may count for a further sale: by the same card, at the same lane, within the store's time."""

from __future__ import annotations

from tests.harness.clock import FakeClock
from tpayd.transaction.steps.last_signatures import LastSignatures
from tpayd_contracts.payment import CardSummary, EntryMode

CARD = CardSummary(masked_pan="411111******1111", entry_mode=EntryMode.IC)
OTHER = CardSummary(masked_pan="555555******4444", entry_mode=EntryMode.IC)


def test_it_counts_for_its_card_and_lane_alone() -> None:
    """The last one, and no other."""
    last = LastSignatures(FakeClock(), 300)
    assert last.of("1", CARD) is None
    last.keep("1", CARD, b"first")
    assert (b"first", None, None) == (last.of("1", CARD), last.of("1", OTHER), last.of("2", CARD))
    last.keep("1", OTHER, b"second")
    assert (None, b"second") == (last.of("1", CARD), last.of("1", OTHER))


def test_it_does_not_count_for_ever() -> None:
    """Nor is it kept in memory then; with 0 s, none ever is."""
    clock = FakeClock()
    last, never = LastSignatures(clock, 300), LastSignatures(clock, 0)
    for signatures in (last, never):
        signatures.keep("1", CARD, b"image")
    assert (b"image", None) == (last.of("1", CARD), never.of("1", CARD))
    clock.advance(300)
    assert last.of("1", CARD) is None

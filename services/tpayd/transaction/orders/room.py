"""How many payments are worked on at once: one more is `busy`, before anything has been made of it (ADR 0032).

A payment counts while the daemon or the card host has it in hand. It does not while it waits for people: for a reader
that another lane uses, for the customer, for the cashier. What has begun is never refused, whatever its next step is,
and what is owed (reversals, inquiries) asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tpayd.kit.bus import CallError
from tpayd_contracts.errors import OVERLOAD, ErrorCode, Outcome
from tpayd_contracts.payment import Step

__all__ = ["RETRY_AFTER_MS", "Room"]

RETRY_AFTER_MS = 250
"""What a POS is told to wait. A place comes free within milliseconds; a lane that asks all the time takes from those
that are served."""

_IN_HAND = frozenset({Step.CARD_READ, Step.ASKING_HOST, Step.FINISHING_CARD, Step.INQUIRING})
"""Steps in which nobody is waited for but the card host."""


class Room:
    """Counts, and refuses."""

    def __init__(self, limit: int, under_way: Callable[[], int] = lambda: 0) -> None:
        """`under_way` counts the payments without a verdict, those that wait among them."""
        self.under_way = under_way
        self._limit = limit
        self._apart: set[Hashable] = set()
        """Under way, and not in hand."""

    @property
    def in_hand(self) -> int:
        """Payments that are being worked on."""
        return self.under_way() - len(self._apart)

    def check(self, *, opening: int = 0) -> None:
        """Raises CallError `busy` (retryable, nothing was begun) where one more payment is too many.

        `opening` is told by one of those that are looked up still: they don't take each other's place.
        """
        in_hand = self.under_way() - len(self._apart) - opening
        if in_hand >= self._limit:
            raise CallError(
                ErrorCode.BUSY, f"{in_hand} payments are being worked on, which is the limit; try again shortly",
                outcome=Outcome.NOT_STARTED, retryable=True, detail=OVERLOAD, retry_after_ms=RETRY_AFTER_MS,
            )  # fmt: skip

    def note(self, payment: Hashable, step: Step) -> None:
        """A payment has come to this step."""
        if step in _IN_HAND:
            self._apart.discard(payment)
        else:
            self._apart.add(payment)

    def done(self, payment: Hashable) -> None:
        """It has its verdict: its lane may order again before the last has been put away."""
        self._apart.add(payment)

    def leave(self, payment: Hashable) -> None:
        """It is no longer under way."""
        self._apart.discard(payment)

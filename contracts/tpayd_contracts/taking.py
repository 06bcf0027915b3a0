"""The operation with which most payments begin: a reader and a card in one request."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.device import AcquireLease, CardProgress, Lease, LeaseProgress, ReadCardResult, Reading
from tpayd_contracts.errors import ErrorBody
from tpayd_contracts.operation import Op

__all__ = ["CARD_TAKE", "TakeCard", "TakeCardProgress", "TakenCard"]


class TakeCard(Reading, frozen=True, kw_only=True):
    """Wait for a reader, and have a card read there as soon as it is lent.

    What the request's time is longer than `reader_wait_s` is the reading's, from the lease on.
    """

    wish: AcquireLease
    reader_wait_s: Annotated[float, Meta(gt=0, le=300)]
    """At most so long in the queue."""


class TakeCardProgress(Struct, frozen=True, omit_defaults=True):
    """What there is to tell; the rest is None."""

    queue: LeaseProgress | None = None
    lease: Lease | None = None
    """Told beside the first prompt: from now on it has to be renewed. A reading that is over sooner tells none."""
    prompt: CardProgress | None = None


class TakenCard(Struct, frozen=True, omit_defaults=True):
    """How it ended once a reader was lent; before that, it ends with an error. The lease is held, and to be released.

    After a CANCEL, or the loss of the caller, it is over by itself, whether or not the caller ever heard of it.
    """

    lease: Lease
    card: ReadCardResult | None = None
    failure: ErrorBody | None = None
    """Why there is no card: what `card.read` would have answered."""


CARD_TAKE = Op("card.take", TakeCard, TakenCard, TakeCardProgress)
"""`lease.acquire` and `card.read` at once: each hop takes its time."""

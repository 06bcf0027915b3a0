"""An operation: its name and the Structs that its messages carry."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

from msgspec import Struct

__all__ = ["Empty", "Op", "Right"]

Q = TypeVar("Q", bound=Struct)
A = TypeVar("A", bound=Struct)


class Right(enum.StrEnum):
    """What a client may do. `admin` includes `pos`, which includes `read_only`."""

    READ_ONLY = "read_only"
    POS = "pos"
    ADMIN = "admin"

    def includes(self, other: Right) -> bool:
        """Whether a client with this right may do what `other` allows."""
        order = list(Right)
        return order.index(self) >= order.index(other)


class Empty(Struct, frozen=True, forbid_unknown_fields=True):
    """A body without fields."""


class Op(Struct, Generic[Q, A], frozen=True):
    """One operation, the unit of the contract.

    `right` is None for operations between services only; otherwise the least right a client needs to call it.
    """

    name: str
    request: type[Q]
    reply: type[A]
    progress: type[Struct] | None = None
    right: Right | None = None
    needs_key: bool = False
    """Whether the envelope must carry an idempotency key."""

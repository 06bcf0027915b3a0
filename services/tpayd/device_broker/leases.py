"""What the pool is asked with, and what it answers: readers, wishes, leases, and what follows from them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from tpayd_contracts.device import Ability

__all__ = [
    "Effect",
    "EndReason",
    "Ended",
    "Grant",
    "Granted",
    "Hopeless",
    "Member",
    "Moved",
    "Ticket",
]


@dataclass(frozen=True, slots=True)
class Member:
    """A reader of the pool."""

    name: str
    abilities: frozenset[Ability]
    lanes: frozenset[str]
    """The lanes that may use it; empty: all."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A wish for a reader."""

    number: int
    lane: str
    """Whose turn it is counted as."""
    ttl_us: int
    abilities: frozenset[Ability] = frozenset()
    avoid: frozenset[str] = frozenset()
    only: str | None = None
    """This reader and no other, whatever its lanes: for work on the reader itself."""

    def fits(self, member: Member) -> bool:
        """Whether that reader would do."""
        if self.only is not None:
            return member.name == self.only
        return (
            (not member.lanes or self.lane in member.lanes)
            and self.abilities <= member.abilities
            and member.name not in self.avoid
        )


@dataclass(frozen=True, slots=True)
class Grant:
    """A lease."""

    lease_id: str
    fence: int
    device: str
    lane: str
    ttl_us: int


class EndReason(enum.StrEnum):
    """Why a lease is over."""

    RELEASED = "released"
    EXPIRED = "expired"
    RESET = "reset"
    DEVICE_LOST = "device_lost"


@dataclass(frozen=True, slots=True)
class Granted:
    ticket: Ticket
    grant: Grant
    waited_us: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A ticket has a new place in the queue; 1 is next."""

    ticket: Ticket
    position: int


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Every reader that would do has been absent too long; the ticket is withdrawn."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Ended:
    """A lease was ended by other than its holder. Its reader, unless lost, is in quarantine."""

    grant: Grant
    why: EndReason


Effect: TypeAlias = Granted | Moved | Hopeless | Ended

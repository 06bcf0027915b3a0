"""What the pool is asked with, and what it answers: readers, wishes, leases, and what follows from them."""

from __future__ import annotations

import enum
from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.settings import SHARED
from tpayd_contracts.device import Ability

__all__ = [
    "Effect",
    "EndReason",
    "Ended",
    "Grant",
    "Granted",
    "Hopeless",
    "LaneRules",
    "Member",
    "Moved",
    "Ticket",
]


class Member(Struct, frozen=True):
    """A reader of the pool."""

    name: str
    abilities: frozenset[Ability]
    pool: str | None = SHARED
    lane: str | None = None
    """Whose own it is; its pool is None then. With neither, it is lent to nobody."""


class LaneRules(Struct, frozen=True):
    """What a lane may use, besides its own."""

    pools: tuple[str, ...] = (SHARED,)
    """The preferred one first."""
    priority: int = 0


class Ticket(Struct, frozen=True):
    """A wish for a reader."""

    number: int
    lane: str
    """Whose turn it is counted as."""
    ttl_us: int
    abilities: frozenset[Ability] = frozenset()
    avoid: frozenset[str] = frozenset()
    only: str | None = None
    """This reader and no other, wherever it belongs: for work on the reader itself."""

    def fits(self, member: Member, rules: LaneRules) -> bool:
        """Whether that reader would do, under the rules of the lane."""
        if self.only is not None:
            return member.name == self.only
        return (
            (member.pool in rules.pools if member.lane is None else member.lane == self.lane)
            and self.abilities <= member.abilities
            and member.name not in self.avoid
        )


class Grant(Struct, frozen=True):
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


class Granted(Struct, frozen=True):
    ticket: Ticket
    grant: Grant
    waited_us: int


class Moved(Struct, frozen=True):
    """A ticket has a new place in the queue; 1 is next."""

    ticket: Ticket
    position: int


class Hopeless(Struct, frozen=True):
    """Every reader that would do has been absent too long, or is barred; the ticket is withdrawn."""

    ticket: Ticket
    barred: tuple[str, ...] = ()
    """All of them, where they are barred."""


class Ended(Struct, frozen=True):
    """A lease was ended by other than its holder. Its reader, unless lost, is in quarantine."""

    grant: Grant
    why: EndReason


Effect: TypeAlias = Granted | Moved | Hopeless | Ended

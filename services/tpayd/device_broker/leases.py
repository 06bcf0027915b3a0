"""What the pool is asked with, and what it answers: readers, wishes, leases, and what follows from them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from tpayd.device_broker.settings import SHARED
from tpayd_contracts.device import Ability, DeviceState

__all__ = [
    "NO_GROUP",
    "Effect",
    "EndReason",
    "Ended",
    "Grant",
    "Granted",
    "GroupStanding",
    "Hopeless",
    "LaneRules",
    "Member",
    "Moved",
    "Ticket",
    "own_group",
]

NO_GROUP = ""
"""Of readers that are lent to nobody."""


def own_group(lane: str) -> str:
    """The group of a lane's own readers."""
    return f"lane:{lane}"


class Member(Struct, frozen=True):
    """A reader of the pool."""

    name: str
    abilities: frozenset[Ability]
    pool: str | None = SHARED
    lane: str | None = None
    """Whose own it is; its pool is None then. With neither, it is lent to nobody."""

    @property
    def group(self) -> str:
        """Those that serve the same lanes: a pool, or a lane's own (no pool's name has a colon)."""
        return own_group(self.lane) if self.lane is not None else self.pool or NO_GROUP


class LaneRules(Struct, frozen=True):
    """What a lane may use, besides its own."""

    pools: tuple[str, ...] = (SHARED,)
    """The preferred one first."""
    priority: int = 0


class Ticket(Struct, frozen=True, gc=False):
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


class Grant(Struct, frozen=True, gc=False):
    """A lease."""

    lease_id: str
    fence: int
    device: str
    lane: str
    ttl_us: int
    of_payment: bool = True
    """False: for work on the reader itself, which no payment's end touches."""


class GroupStanding(Struct, frozen=True):
    """How a group of readers stands."""

    group: str
    states: Mapping[DeviceState, int]
    barred: int
    """Those that no payment gets, whatever their state."""
    queue: int
    """Those who wait for one of them, or of others as well."""
    lease_mean_us: int | None
    """How long one is lent, of late."""


class EndReason(enum.StrEnum):
    """Why a lease is over."""

    RELEASED = "released"
    EXPIRED = "expired"
    RESET = "reset"
    DEVICE_LOST = "device_lost"


class Granted(Struct, frozen=True, gc=False):
    ticket: Ticket
    grant: Grant
    waited_us: int


class Moved(Struct, frozen=True):
    """A ticket has a new place among those who wait for a reader that it could use; 1 is next."""

    ticket: Ticket
    position: int
    expected_wait_us: int | None = None
    """None until anything is known of how long readers are used."""


class Hopeless(Struct, frozen=True):
    """Every reader that would do has been absent too long, is barred, or is gone; the ticket is withdrawn."""

    ticket: Ticket
    barred: tuple[str, ...] = ()
    """All of them, where they are barred."""
    gone: bool = False
    """The readers or the lane's rules were changed, and none would do any more."""


class Ended(Struct, frozen=True):
    """A lease was ended by other than its holder. Its reader, unless lost, is in quarantine."""

    grant: Grant
    why: EndReason


Effect: TypeAlias = Granted | Moved | Hopeless | Ended

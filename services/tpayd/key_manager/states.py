"""The life of a key: one table, pure.

    (exchange) ─► STAGED ──confirm──► CONFIRMED ──activate──► ACTIVE ──expire──► EXPIRED
                    │                    │                      │                   │
                 discard              replace                replace             replace
                    ▼                    └───────────► RETIRED ◄┴───────────────────┘
                   gone                                   │
                   gone ◄────────────── purge ────────────┘

The rules of the machine:

* A staged key is used by nobody: the host has sent it, and the other side has not yet been seen to hold the same.
* Confirmed means that the check values agree, or that the reader has taken it. Active is what new payments use.
* Each owner, usage and profile has one active key at most. Activating a key retires the one before, in the same
  transaction.
* A payment that began under a key is settled under it, whatever became of the key since (DESIGN: payments, 13). So
  expired and retired keys go on making and checking MACs for that alone, until they are purged.
"""

from __future__ import annotations

import enum

from tpayd.key_manager.errors import NoPassageError
from tpayd_contracts.keys import KeyState

__all__ = ["SETTLES", "STARTS", "Event", "after"]


class Event(enum.StrEnum):
    """What happens to a key."""

    STAGE = "stage"
    CONFIRM = "confirm"
    ACTIVATE = "activate"
    EXPIRE = "expire"
    REPLACE = "replace"
    DISCARD = "discard"
    """The exchange failed after the key was staged."""
    PURGE = "purge"


_PASSAGES: dict[tuple[KeyState | None, Event], KeyState | None] = {
    (None, Event.STAGE): KeyState.STAGED,
    (KeyState.STAGED, Event.CONFIRM): KeyState.CONFIRMED,
    (KeyState.STAGED, Event.DISCARD): None,
    (KeyState.CONFIRMED, Event.ACTIVATE): KeyState.ACTIVE,
    (KeyState.CONFIRMED, Event.REPLACE): KeyState.RETIRED,
    (KeyState.ACTIVE, Event.EXPIRE): KeyState.EXPIRED,
    (KeyState.ACTIVE, Event.REPLACE): KeyState.RETIRED,
    (KeyState.EXPIRED, Event.REPLACE): KeyState.RETIRED,
    (KeyState.RETIRED, Event.PURGE): None,
}

STARTS = frozenset({KeyState.ACTIVE})
"""States in which a key may begin a payment."""
SETTLES = frozenset({KeyState.ACTIVE, KeyState.EXPIRED, KeyState.RETIRED})
"""States in which a key may settle a payment that began under it."""


def after(state: KeyState | None, event: Event) -> KeyState | None:
    """The state that follows; None is 'no such key', before and after its life.

    Raises:
        NoPassageError: the table has no such passage.
    """
    try:
        return _PASSAGES[state, event]
    except KeyError:
        raise NoPassageError(f"a key that is {state or 'unknown'} cannot {event}") from None

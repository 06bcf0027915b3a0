"""A key's life has these passages and no others."""

from __future__ import annotations

import itertools

import pytest

from tpayd.key_manager.errors import NoPassageError
from tpayd.key_manager.states import SETTLES, STARTS, Event, after
from tpayd_contracts.keys import KeyState as State

PASSAGES = {
    (None, Event.STAGE): State.STAGED,
    (State.STAGED, Event.CONFIRM): State.CONFIRMED,
    (State.STAGED, Event.DISCARD): None,
    (State.CONFIRMED, Event.ACTIVATE): State.ACTIVE,
    (State.CONFIRMED, Event.REPLACE): State.RETIRED,
    (State.ACTIVE, Event.EXPIRE): State.EXPIRED,
    (State.ACTIVE, Event.REPLACE): State.RETIRED,
    (State.EXPIRED, Event.REPLACE): State.RETIRED,
    (State.RETIRED, Event.PURGE): None,
}


@pytest.mark.parametrize(("state", "event"), PASSAGES)
def test_passage(state: State | None, event: Event) -> None:
    """Each passage leads where the table of the design says."""
    assert PASSAGES[state, event] is after(state, event)


NO_PASSAGES = [pair for pair in itertools.product([None, *State], Event) if pair not in PASSAGES]


@pytest.mark.parametrize(("state", "event"), NO_PASSAGES)
def test_no_other_passage(state: State | None, event: Event) -> None:
    """No staged key becomes active unconfirmed, no expired one comes back."""
    with pytest.raises(NoPassageError):
        after(state, event)


def test_what_may_start_may_settle() -> None:
    """Whatever begins a payment can end it; a key that nobody has confirmed does neither."""
    assert STARTS <= SETTLES
    assert set() == SETTLES & {State.STAGED, State.CONFIRMED}

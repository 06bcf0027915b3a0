"""The table itself: what an event does to a payment in a state. Its rows stand in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from msgspec.structs import replace

from tpayd.transaction import events as ev
from tpayd.transaction.effects import Effect
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState as S

__all__ = ["ROWS", "NotInTableError", "Result", "has_row", "row", "step", "to"]

Result = tuple[Payment, tuple[Effect, ...]]
E = TypeVar("E", bound=ev.Event)
Row = Callable[[Payment, Any, int], Result]
ROWS: dict[tuple[S, type], Row] = {}


class NotInTableError(Exception):
    """This event means nothing in this state."""

    def __init__(self, payment: Payment, event: ev.Event) -> None:
        super().__init__(f"{type(event).__name__} has no row in state {payment.state}")


def step(payment: Payment, event: ev.Event, now_ms: int) -> Result:
    """Apply one event. Raises NotInTableError."""
    found = ROWS.get((payment.state, type(event)))
    if found is None:
        raise NotInTableError(payment, event)
    return found(payment, event, now_ms)


def has_row(payment: Payment, event: type[ev.Event]) -> bool:
    """Whether the event would change anything now."""
    return (payment.state, event) in ROWS


def row(*states: S) -> Callable[[Callable[[Payment, E, int], Result]], Callable[[Payment, E, int], Result]]:
    """Enter a function as the row of these states, for the event that it is annotated with."""

    def enter(function: Callable[[Payment, E, int], Result]) -> Callable[[Payment, E, int], Result]:
        event = _event_of(function)
        for state in states:
            assert (state, event) not in ROWS, f"two rows for {state} and {event.__name__}"  # noqa: S101
            ROWS[state, event] = cast("Row", function)
        return function

    return enter


def _event_of(function: Callable[..., Result]) -> type:
    name = function.__annotations__["event"].removeprefix("ev.")
    return cast("type", getattr(ev, name))


def to(payment: Payment, state: S, *effects: Effect, **changes: Any) -> Result:
    """The payment in its next state, and what is to be done now, in this order."""
    return replace(payment, state=state, **changes), effects

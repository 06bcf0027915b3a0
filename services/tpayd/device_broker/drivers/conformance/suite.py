"""The checks of the suite, and what each is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tpayd.device_broker.drivers.commands import FinishCard, ReadCard, Start
from tpayd.device_broker.drivers.conformance.bench import Bench, promised
from tpayd.device_broker.drivers.conformance.peer import PeerFactory
from tpayd.device_broker.drivers.driver import DriverKind
from tpayd.device_broker.drivers.events import CardRead, Event
from tpayd_contracts.device import TransactionType

__all__ = ["AT", "CARD_WAIT_US", "CHECKS", "FINISH", "Check", "Seat", "check", "read_command", "told"]

AT = "20250102030405"
CARD_WAIT_US = 30_000_000
FINISH = FinishCard(approved=True, arc="00", issuer_data=b"12345678", scripts=b"", at=AT)


@dataclass(frozen=True, slots=True)
class Seat:
    """The driver and the peer of a check; each check makes as many as it likes."""

    kind: DriverKind
    peer: PeerFactory

    def fresh(self) -> Bench:
        """A line just opened."""
        return Bench(self.kind.create(), self.peer())

    def started(self) -> Bench:
        """After a start that went well."""
        bench = self.fresh()
        bench.ask(Start(AT))
        promised(bench.driver.clean, "after its start, with a reader that answers as it should, it is clean")
        return bench

    @property
    def ways(self) -> list[str]:
        """How cards can be presented."""
        return sorted(self.peer().ways)


CheckFunction: TypeAlias = Callable[[Seat], None]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. `run` raises BrokenPromiseError, or whatever the driver has raised and should not."""

    name: str
    promise: str
    run: CheckFunction

    def __str__(self) -> str:
        return self.name


CHECKS: list[Check] = []


def check(function: CheckFunction) -> CheckFunction:
    """Have a function be a check of the suite; its docstring's first line is the promise."""
    promise = (function.__doc__ or "").strip().splitlines()[0]
    CHECKS.append(Check(function.__name__, promise, function))
    return function


def read_command(customer: int, *, type_: TransactionType = TransactionType.CREDIT) -> ReadCard:
    """A card read for the customer of that number; each has nonces of his own."""
    nonce, again = f"{customer:032X}", f"{customer + 0xF0000000:032X}"
    return ReadCard(type_, 1000 + customer, AT, nonce, CARD_WAIT_US, nonce_again=again)


def told(events: list[Event], kind: type[CardRead]) -> CardRead:
    """The one card among the events. Raises BrokenPromiseError."""
    cards = [event for event in events if isinstance(event, kind)]
    promised(len(cards) == 1, f"a card that is presented is read once, not {len(cards)} times: {events}")
    return cards[0]

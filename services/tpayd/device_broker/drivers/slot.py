"""What a driver knows of its reader, and how a card is had taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tpayd.device_broker.drivers.events import CardInside, CardPulled, CardTimedOut, Pulled
from tpayd.device_broker.drivers.talk import Job, Listen, Step, Talk

__all__ = ["CARD_POLL_US", "PULL_WAIT_US", "Known", "SlotWays", "taken_out", "until_empty"]

CARD_POLL_US = 1_000_000
"""How often a card left inside is asked after, for readers that don't tell of its removal."""
PULL_WAIT_US = 30_000_000
"""For the customer to take out a card whose chip has failed."""


@dataclass(slots=True)
class Known:
    """What the driver knows of its reader."""

    occupied: bool | None = None
    """Whether a card is in the slot, by the reader's own word; None before its first."""
    settled: bool = False
    """The last card transaction ended by its own answer, or by an init that the reader acknowledged."""
    nonce: str = ""
    """Of the last card transaction."""
    card: bool = False
    """A card was read in it, and its PIN may be asked for."""
    chip: bool = False
    """That card waits for the host's word."""

    @property
    def empty(self) -> bool:
        """Whether the reader has said that no card is in the slot."""
        return self.occupied is False

    @property
    def chip_gone(self) -> bool:
        """Whether the card that waits for the host's word is no longer there to hear it."""
        return self.chip and self.empty

    def unsettle(self) -> None:
        """Nothing of the last card transaction counts any more."""
        self.settled = self.card = self.chip = False


@dataclass(frozen=True, slots=True)
class SlotWays:
    """How one protocol asks after the slot; both raise EndedError, and the driver's `Known` hears the answer."""

    state: Callable[[], Job]
    let_go: Callable[[], Job]
    """Have the card given back, or the customer told to take it."""


def until_empty(talk: Talk, known: Known, ways: SlotWays) -> Job:
    """Have a card that nobody asked for taken out, and wait for the reader's own word that it is."""
    talk.tell(CardInside())
    yield from ways.let_go()
    while not known.empty:
        if (yield Listen(talk.now_us + CARD_POLL_US)) is None:
            yield from ways.state()


def taken_out(talk: Talk, known: Known, ways: SlotWays) -> Step[bool]:
    """The chip has failed, and the reader has ended: have the card taken out, to ask for its stripe."""
    if not known.empty:
        talk.tell(CardPulled())
        until_us = talk.now_us + PULL_WAIT_US
        yield from ways.let_go()
        while not known.empty:
            if (yield Listen(min(until_us, talk.now_us + CARD_POLL_US))) is None:
                if talk.now_us >= until_us:
                    talk.tell(CardTimedOut())
                    return False
                yield from ways.state()
    talk.tell(Pulled())
    return True

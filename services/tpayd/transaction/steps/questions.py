"""What a person is being asked just now for a payment, and the one answer that counts: the first."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field
from typing import TypeAlias

from msgspec import Struct

from tpayd_contracts.screen import Strokes

__all__ = ["Answer", "Asks", "Drawn", "Keyed", "Question", "Said", "Skipped"]


class Asks(enum.Enum):
    """What is asked."""

    DUPLICATE = "duplicate"
    """The cashier: is it another payment?"""
    SIGN = "sign"
    NUMBER = "number"


class Said(Struct, frozen=True):
    """Yes or no."""

    yes: bool


@dataclass(frozen=True, slots=True, repr=False)
class Drawn:
    """A signature from a screen; without strokes, the customer does not want to sign."""

    strokes: Strokes
    width: int
    height: int


@dataclass(frozen=True, slots=True, repr=False)
class Keyed:
    """A number from a screen; empty, the customer does not want to."""

    number: str


class Skipped(Struct, frozen=True):
    """The cashier has it left out."""


Answer: TypeAlias = Said | Drawn | Keyed | Skipped


@dataclass(eq=False)
class Question:
    """Asked until it has an answer, or nobody waits for one any more."""

    asks: Asks
    answer: asyncio.Future[Answer] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def is_open(self) -> bool:
        return not self.answer.done()

    @property
    def said(self) -> Answer | None:
        """The answer; None while there is none, or where none came."""
        return self.answer.result() if self.answer.done() and not self.answer.cancelled() else None

    def give(self, answer: Answer) -> bool:
        """Answer it; False if that is too late."""
        if self.answer.done():
            return False
        self.answer.set_result(answer)
        return True

    def close(self) -> None:
        """Nobody waits for an answer any more."""
        self.answer.cancel()

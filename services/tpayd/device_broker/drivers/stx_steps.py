"""What the commands of the STX driver share: how an answer is awaited, and what is known of the reader meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tpayd.device_broker.drivers.events import Failure
from tpayd.device_broker.drivers.stx_codes import Cmd, LayoutError, Slot
from tpayd.device_broker.drivers.stx_frame import Frame
from tpayd.device_broker.drivers.stx_rules import RULES
from tpayd.device_broker.drivers.stx_talk import Ask, Step, Talk

__all__ = ["EndedError", "Known", "asked", "parsed", "taken"]

P = TypeVar("P")


@dataclass(slots=True)
class Known:
    """What the driver knows of its reader."""

    slot: Slot | None = None
    settled: bool = False
    """The last card transaction ended by its own answer, or by an init that the reader acknowledged."""
    nonce: str = ""
    """Of the last card transaction."""
    card: bool = False
    """A card was read in it, and its PIN may be asked for."""
    chip: bool = False
    """That card waits for the host's word."""

    @property
    def chip_gone(self) -> bool:
        """Whether the card that waits for the host's word is no longer there to hear it."""
        return self.chip and self.slot is Slot.EMPTY


class EndedError(Exception):
    """A command cannot go on."""

    def __init__(self, why: Failure, detail: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.detail = detail


def asked(talk: Talk, frame: bytes, cmd: Cmd) -> Step[Frame]:
    """Ask by the command's rule. Raises EndedError."""
    answer = yield Ask(frame, RULES[cmd])
    return taken(talk, answer)


def taken(talk: Talk, frame: Frame | None) -> Frame:
    """The frame that came, if it is an answer. Raises EndedError."""
    if frame is None:
        raise EndedError(Failure.NO_ANSWER)
    if frame.command not in talk.rule.answers:
        raise EndedError(Failure.REFUSED)
    return frame


def parsed(parse: Callable[[bytes], P], data: bytes) -> P:
    """What `parse` makes of it. Raises EndedError."""
    try:
        return parse(data)
    except LayoutError as error:
        raise EndedError(Failure.BAD_ANSWER, str(error)) from None

"""What a lane's screen does for a customer where no pad does: it takes a signature, or a number (T7).

The screen is the POS itself, or a second display before the customer with a client of its own. Whoever has the order's
request open hears of a wish in its progress (`PaymentProgress.prompt`); a display that has none asks `screen.watch`,
again and again. Either may answer, by the wish's token, and the first answer counts.

A signature and a number are personal: they pass through memory only, and are never logged.
"""

from __future__ import annotations

import enum
from typing import Annotated

from msgspec import Meta, Struct

from tpayd_contracts.money import Minor
from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.secret import SECRET, HidesSecrets
from tpayd_contracts.shapes import END, Count, Lane, RequestId

__all__ = [
    "MAX_POINTS",
    "MAX_STROKES",
    "MAX_WATCH_S",
    "SCREEN_NUMBER",
    "SCREEN_OPS",
    "SCREEN_SIGN",
    "SCREEN_WATCH",
    "Digits",
    "PromptToken",
    "ScreenAsk",
    "ScreenNumber",
    "ScreenPrompt",
    "ScreenSignature",
    "ScreenState",
    "Strokes",
    "WatchScreen",
]

MAX_STROKES = 64
MAX_POINTS = 2_048
"""Of all strokes together: a signature of a minute, at 30 points a second."""
MAX_CANVAS = 4_096
MAX_WATCH_S = 20.0

PromptToken = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{32}}{END}", description="new for each thing that is asked")]
Digits = Annotated[int, Meta(ge=1, le=20)]
Coordinate = Annotated[int, Meta(ge=0, lt=MAX_CANVAS)]
Strokes = tuple[Annotated[tuple[Coordinate, ...], Meta(min_length=2, max_length=2 * MAX_POINTS)], ...]
"""Lines that a pen drew, each as x, y, x, y, …: 0, 0 is the upper left corner."""


class ScreenAsk(enum.StrEnum):
    """What the customer is to do on the screen."""

    SIGN = "sign"
    """Sign [전자서명]: answer with `screen.sign`."""
    NUMBER = "number"
    """Key a number, such as a telephone number for a cash receipt [식별번호 입력]: answer with `screen.number`."""


class ScreenPrompt(Struct, frozen=True, omit_defaults=True):
    """What a lane's screen is to show, until it is answered, or until its time is over."""

    token: PromptToken
    asks: ScreenAsk
    lane: Lane
    text: str
    text_ko: str
    remaining_ms: Count
    request_id: RequestId | None = None
    """The payment's; none where the POS asked for a number of its own (`ability.number`)."""
    amount_minor: Minor | None = None
    """To be shown, with a signature."""
    min_digits: Annotated[int, Meta(ge=0, le=20)] = 0
    max_digits: Annotated[int, Meta(ge=0, le=20)] = 0


class WatchScreen(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask what a lane's screen is to show: answered as soon as it is something else than `seen`.

    Ask again at once: while somebody watches, a lane without a pad has its customers sign on the screen.
    """

    lane: Lane
    seen: PromptToken | None = None
    """Token of what the screen shows now; left out: it shows nothing."""
    wait_s: Annotated[float, Meta(ge=0, le=MAX_WATCH_S)] = MAX_WATCH_S
    """Seconds after which it is answered although nothing has changed. 0: just a look, after which nobody watches."""


class ScreenState(Struct, frozen=True, omit_defaults=True):
    lane: Lane
    prompt: ScreenPrompt | None = None
    """None: nothing; take away what was shown."""


class ScreenSignature(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The customer's signature. It becomes a picture of 128 x 64 pixels: a canvas of that shape looks best."""

    lane: Lane
    token: PromptToken
    strokes: Annotated[Strokes, Meta(max_length=MAX_STROKES, extra=SECRET)] = ()
    """Each stroke is x, y, x, y, …, from the canvas's upper left corner; at most 2,048 points in all.

    Empty: the customer does not want to sign.
    """
    width: Annotated[int, Meta(ge=16, le=MAX_CANVAS)] = 128
    """Of the canvas, in the units of `strokes`."""
    height: Annotated[int, Meta(ge=8, le=MAX_CANVAS)] = 64

    def __post_init__(self) -> None:
        for stroke in self.strokes:
            if len(stroke) % 2:
                raise ValueError("strokes: a point lacks its y")
            if max(stroke[0::2]) >= self.width or max(stroke[1::2]) >= self.height:
                raise ValueError(f"strokes: a point lies outside the canvas of {self.width} x {self.height}")
        if sum(map(len, self.strokes)) > 2 * MAX_POINTS:
            raise ValueError(f"strokes: more than {MAX_POINTS} points")


class ScreenNumber(HidesSecrets, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The number that the customer keyed."""

    lane: Lane
    token: PromptToken
    number: Annotated[str, Meta(pattern=rf"^[0-9]{{0,20}}{END}", extra=SECRET)] = ""
    """As many digits as the prompt allows. Empty: the customer does not want to."""


SCREEN_WATCH = Op("screen.watch", WatchScreen, ScreenState, right=Right.POS)
SCREEN_SIGN = Op("screen.sign", ScreenSignature, Empty, right=Right.POS)
"""Answers `too_late` if the question is over, or has been answered."""
SCREEN_NUMBER = Op("screen.number", ScreenNumber, Empty, right=Right.POS)
"""Answers `too_late` if the question is over; a number that is too short or too long is refused, and may be mended."""
SCREEN_OPS = (SCREEN_WATCH, SCREEN_SIGN, SCREEN_NUMBER)

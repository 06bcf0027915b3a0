"""The proof that redaction has left nothing behind: says what is in a line that must not be, and never its value.

It looks for exactly what `tpayd.kit.redaction` removes, by the same patterns, so that a line which was redacted has no
leak; and it is no second redaction: nothing is changed.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Iterator
from typing import TypeAlias

from tpayd.kit.redaction import (
    FINDER,
    HIDDEN,
    KEY_NAME,
    KEY_VALUE,
    NAMED_KEY,
    NAMED_SECRET,
    SECRET_NAME,
    has_digit_run,
    is_removed,
    names_secret,
    without_card_digits,
)

__all__ = ["Leak", "leaks_in"]

_Json: TypeAlias = "str | int | float | bool | list[_Json] | dict[str, _Json] | None"

_RUN = re.compile(r"[0-9](?:[ \-\u00a0\t\r]?[0-9]){12,}")
_TRACK_GOES_ON = frozenset("=Dd^")


class Leak(enum.StrEnum):
    """What kind of thing it is."""

    CARD = "card number"
    TRACK = "track data"
    SECRET = "secret"  # noqa: S105  (a kind)
    KEY = "key"


def leaks_in(raw: bytes) -> frozenset[Leak]:
    """What a line of a log, JSON or not, holds that must not be there. Empty for a line that was redacted."""
    named = names_secret(raw)
    if not named and not has_digit_run(raw) and b"\\u" not in raw:
        return frozenset()
    line = raw.decode("utf-8", "replace")
    if not named and b"\\" not in raw and not _may_be_a_card(line):
        return frozenset()  # without an escape in it, JSON has the same digits as the text
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return frozenset(_in_text(line))
    return frozenset(_in_value(event))


def _may_be_a_card(line: str) -> bool:
    """Whether a run of digits is a card number, or the beginning of a track. Never wrong with False."""
    return any(
        line[match.end() : match.end() + 1] in _TRACK_GOES_ON or without_card_digits(match[0]) != match[0]
        for match in _RUN.finditer(line)
    )


def _in_value(value: _Json) -> Iterator[Leak]:
    if isinstance(value, str):
        yield from _in_text(value)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, (int, float)):
        if math.isfinite(value):
            yield from _in_text(str(int(value)))
    elif isinstance(value, list):
        for one in value:
            yield from _in_value(one)
    else:
        for name, one in value.items():
            yield from _in_text(name)
            yield from _in_field(name, one)


def _in_field(name: str, value: _Json) -> Iterator[Leak]:
    if value is None or isinstance(value, bool) or value == HIDDEN:
        return
    if SECRET_NAME.search(name):
        yield Leak.SECRET
    elif isinstance(value, str) and KEY_NAME.search(name) and KEY_VALUE.fullmatch(value):
        yield Leak.KEY
    else:
        yield from _in_value(value)


def _in_text(text: str) -> Iterator[Leak]:
    for match in NAMED_SECRET.finditer(text):
        if not is_removed(text, match.end("name")):
            yield Leak.SECRET
    if NAMED_KEY.search(text):
        yield Leak.KEY
    yield from _cards_in(text)


def _cards_in(text: str) -> Iterator[Leak]:
    for match in FINDER.finditer(text):
        if match.lastgroup in ("track1", "track2"):
            yield Leak.TRACK
        elif match.lastgroup == "digits" and without_card_digits(match[0]) != match[0]:
            yield Leak.CARD

"""Which fields a message has, in their order: a plan, made once for each bitmap, since messages of one kind share it.

Fields of a fixed length that lie side by side are checked by one pattern, and read by it too: a look at each of a
sale's dozen fields costs several times as much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.spec import FIELDS, Kind

__all__ = ["BITMAP_AT", "Layout", "Place", "Run", "Section", "layout_of", "places_in", "sections_in"]

BITMAP_AT = 4
"""After the message type, which has four characters."""

_BITS = 128
_HALF = 64
_SECOND = 1 << 127
"""Bit 1: a second bitmap follows."""
_KSN, _MAC = "53", "128"
_KEPT = 256
"""Bitmaps and sets of fields whose order is kept. The format itself has a dozen; the rest is other people's noise."""
_CHARACTERS = {Kind.DIGITS: "[0-9]", Kind.TEXT: "[ -~]", Kind.BINARY: "(?s:.)"}
"""What a field may hold, in a message whose bytes are taken for Latin-1 characters."""


class Place(NamedTuple):
    """One field as the codec needs it. `length_digits` 0 means: always `size` bytes long."""

    key: str
    kind: Kind
    length_digits: int
    size: int


class Section(NamedTuple):
    """Neighbours of fixed lengths in a message that is read, and what comes behind them."""

    match: Callable[[str, int], re.Match[str] | None]
    """A group for each field, and one for the length of the field behind them."""
    keys: tuple[str, ...]
    then: str
    """The field of varying length behind them; empty at the message's end."""
    kind: Kind
    most: int
    """Bytes that it may have; 0 at the message's end."""


class Run(NamedTuple):
    """Neighbours that are checked and written as one: characters, each field always so many; else one field alone."""

    places: tuple[Place, ...]
    sizes: tuple[int, ...]
    values: Callable[[Mapping[str, object]], tuple[object, ...]] | None
    """Takes theirs out of a message's; None where the field stands alone."""
    fits: Callable[[str], object]
    """Whether their text holds what they may, all in one."""


class Layout(NamedTuple):
    """The order of a message to be written."""

    bitmap: bytes
    head: tuple[Run, ...]
    """Up to the KSN, or all of them where there is none."""
    tail: tuple[Run, ...]
    """Between KSN and MAC."""


_PLACES = {
    field.number: Place(str(field.number), field.kind, field.length_digits, field.size)
    for field in sorted(FIELDS, key=lambda field: field.number)
}
_END = Place("", Kind.BINARY, 0, 0)
_NUMBERS = {place.key: number for number, place in _PLACES.items()}
_ALLOWED = sum(1 << (_BITS - number) for number in _PLACES) | _SECOND


@lru_cache(maxsize=_KEPT)
def places_in(bitmap: bytes) -> tuple[Place, ...]:
    """The fields that a bitmap of 8 or 16 bytes announces, in their order.

    Raises:
        HostFormatError: a field that this format does not have: without its length nothing after it can be read.
    """
    present = int.from_bytes(bitmap.ljust(_BITS // 8, b"\0"))
    unknown = present & ~_ALLOWED
    if unknown:
        number = _BITS + 1 - unknown.bit_length()
        raise HostFormatError(f"DE {number}", "is no field of this format", BITMAP_AT + (number - 1) // 8)
    return tuple(place for number, place in _PLACES.items() if present >> (_BITS - number) & 1)


@lru_cache(maxsize=_KEPT)
def sections_in(bitmap: bytes) -> tuple[Section, ...]:
    """How to read the fields that a bitmap announces. Raises HostFormatError, as `places_in`."""
    sections: list[Section] = []
    fixed: list[Place] = []
    for place in (*places_in(bitmap), None):
        if place is None or place.length_digits:
            groups = [f"({pattern})" for pattern in map(_pattern, fixed)]
            if place is not None:
                groups.append(f"([0-9]{{{place.length_digits}}})")
            match = re.compile("".join(groups)).match
            then = _END if place is None else place
            sections.append(Section(match, tuple(each.key for each in fixed), then.key, then.kind, then.size))
            fixed = []
        else:
            fixed.append(place)
    return tuple(sections)


@lru_cache(maxsize=_KEPT)
def layout_of(keys: tuple[str, ...], *, sealed: bool) -> Layout:
    """The order of a message of these fields, given in any; a `sealed` one has KSN and MAC besides.

    Raises:
        HostFormatError: a field that this format does not have.
    """
    for key in keys:
        if key not in _NUMBERS:
            raise HostFormatError(f"DE {key}", "is no field of this format")
    seal = {_NUMBERS[_KSN], _NUMBERS[_MAC]} if sealed else set()
    written = {_NUMBERS[key] for key in keys} - seal
    present = sum(1 << (_BITS - number) for number in written | seal)
    if max(written | seal, default=0) > _HALF:
        bitmap = (present | _SECOND).to_bytes(_BITS // 8)
    else:
        bitmap = (present >> _HALF).to_bytes(_HALF // 8)
    end = _NUMBERS[_KSN] if sealed else _BITS + 1
    ordered = [(number, _PLACES[number]) for number in sorted(written)]
    return Layout(
        bitmap=bitmap,
        head=tuple(_runs_of(place for number, place in ordered if number < end)),
        tail=tuple(_runs_of(place for number, place in ordered if number >= end)),
    )


def _runs_of(places: Iterable[Place]) -> Iterator[Run]:
    """The same fields in as few runs as they make."""
    together: list[Place] = []
    for place in places:
        if place.length_digits or place.kind is Kind.BINARY:
            if together:
                yield _run(together)
                together = []
            yield _run([place])
        else:
            together.append(place)
    if together:
        yield _run(together)


def _run(places: list[Place]) -> Run:
    fits = re.compile("".join(map(_pattern, places))).fullmatch
    values = itemgetter(*(place.key for place in places)) if len(places) > 1 else None
    return Run(tuple(places), tuple(place.size for place in places), values, fits)


def _pattern(place: Place) -> str:
    return f"{_CHARACTERS[place.kind]}{{{place.size}}}"

"""Which fields a message has, in their order: worked out once for each bitmap, since messages of one kind share it."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.spec import FIELDS, Kind

__all__ = ["BITMAP_AT", "Head", "Layout", "Place", "Run", "head_in", "layout_of", "places_in", "runs_of"]

BITMAP_AT = 4
"""After the message type, which has four characters."""

_BITS = 128
_HALF = 64
_SECOND = 1 << 127
"""Bit 1: a second bitmap follows."""
_KSN, _MAC = "53", "128"
_KEPT = 256
"""Bitmaps and sets of fields whose order is kept. The format itself has a dozen; the rest is other people's noise."""


class Place(NamedTuple):
    """One field as the codec needs it. `length_digits` 0 means: always `size` bytes long."""

    key: str
    kind: Kind
    length_digits: int
    size: int


class Run(NamedTuple):
    """Neighbours that can be checked and copied as one: of one kind, each always so many bytes long; else one field."""

    places: tuple[Place, ...]
    sizes: tuple[int, ...]


class Head(NamedTuple):
    """The fields before the first one whose place depends on the message."""

    runs: tuple[tuple[slice, Kind], ...]
    """Where neighbours of one kind stand."""
    spans: dict[str, slice]
    end: int
    rest: tuple[Place, ...]
    """The fields behind."""


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
def head_in(bitmap: bytes) -> Head:
    """The fields with the same place in every message of this bitmap. Raises HostFormatError, as `places_in`."""
    places = places_in(bitmap)
    at = BITMAP_AT + len(bitmap)
    spans: dict[str, slice] = {}
    runs: list[tuple[slice, Kind]] = []
    for run in runs_of(places):
        if run.places[0].length_digits:
            break
        begin = at
        for key, _, _, size in run.places:
            spans[key] = slice(at, at + size)
            at += size
        runs.append((slice(begin, at), run.places[0].kind))
    return Head(tuple(runs), spans, at, places[len(spans) :])


def runs_of(places: tuple[Place, ...]) -> tuple[Run, ...]:
    """The same fields in as few runs as they make."""
    grouped = groupby(enumerate(places), lambda each: (each[1].kind, each[0] if each[1].length_digits else -1))
    found = [tuple(place for _, place in group) for _, group in grouped]
    return tuple(Run(group, tuple(place.size for place in group)) for group in found)


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
        head=runs_of(tuple(place for number, place in ordered if number < end)),
        tail=runs_of(tuple(place for number, place in ordered if number >= end)),
    )

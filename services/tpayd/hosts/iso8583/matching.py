"""Where DE 11 and DE 41 stand in a message, found from its bitmap alone: every field up to DE 41 has a fixed length."""

from __future__ import annotations

from functools import lru_cache

from tpayd.hosts.answers import MatchKey, TypeClass
from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.spec import FIELDS

__all__ = ["is_answer", "match_key"]

_CLASSES = {value.encode(): value for value in TypeClass}
_FIXED = {field.number: field.size for field in FIELDS if field.number <= 41 and not field.length_digits}
_STAN, _TERMINAL = 11, 41
_ANSWER_BIT = 1


def match_key(raw: bytes) -> MatchKey:
    """Type class, DE 41 and DE 11; raises HostFormatError. Nothing else of the message is looked at."""
    type_class = _CLASSES.get(raw[:2])
    if type_class is None or not raw[2:4].isdigit():
        raise HostFormatError("message type", "is none of this format", 0)
    stan_at, terminal_at = _places(raw[4:12])
    stan, terminal = raw[stan_at : stan_at + 6], raw[terminal_at : terminal_at + 8]
    if len(stan) != 6 or not stan.isdigit():
        raise HostFormatError("DE 11", "is not six digits", stan_at)
    if len(terminal) != 8 or not terminal.isalnum():
        raise HostFormatError("DE 41", "is not eight letters and digits", terminal_at)
    return MatchKey(type_class, terminal.decode("ascii"), stan.decode("ascii"))


def is_answer(raw: bytes) -> bool:
    """Whether the third digit of the type is odd: a response, or the response to an advice (ISO 8583:1987, 4.1)."""
    return len(raw) >= 4 and raw[2:3].isdigit() and bool(raw[2] & _ANSWER_BIT)


@lru_cache(maxsize=256)
def _places(bitmap: bytes) -> tuple[int, int]:
    if len(bitmap) != 8:
        raise HostFormatError("DE 1", "the bitmap is cut off", 4)
    bits = int.from_bytes(bitmap)
    present = [number for number in range(2, _TERMINAL + 1) if bits >> (64 - number) & 1]
    at = 20 if bits >> 63 else 12
    places: dict[int, int] = {}
    for number in present:
        if number not in _FIXED:
            raise HostFormatError(f"DE {number}", "is no field of this format", 4)
        places[number] = at
        at += _FIXED[number]
    for number in (_STAN, _TERMINAL):
        if number not in places:
            raise HostFormatError(f"DE {number}", "is missing", 4)
    return places[_STAN], places[_TERMINAL]

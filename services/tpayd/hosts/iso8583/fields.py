"""The fields of one message that was read, and where each of them stands."""

from __future__ import annotations

from typing import NoReturn

from tpayd.hosts.errors import HostFormatError
from tpayd.hosts.iso8583.layout import BITMAP_AT, places_in

__all__ = ["Fields"]


class Fields(dict[str, str]):
    """One message, each fault with its position. `codec.unpack` has checked each field.

    The values are the fields' bytes, taken for Latin-1 characters: text as it is; of binary fields ask `binary`.
    A look at a field that is not there raises HostFormatError.
    """

    __slots__ = ("bitmap", "mti")

    mti: str
    bitmap: bytes

    def __missing__(self, field: str) -> NoReturn:
        raise HostFormatError(f"DE {field}", f"is missing from {self.mti}")

    def __repr__(self) -> str:
        # What a message holds is nobody's to read: card data among it.
        return f"Fields({self.mti}, {len(self)} fields)"

    def binary(self, field: str) -> bytes:
        """The field's bytes, empty without the field."""
        return self.get(field, "").encode("latin-1")

    def require(self, field: str) -> None:
        """HostFormatError without the field."""
        if field not in self:
            self.__missing__(field)

    def position(self, field: str) -> int:
        """Where the data of a field that is there begins in the message, in bytes."""
        at = BITMAP_AT + len(self.bitmap)
        for place in places_in(self.bitmap):
            at += place.length_digits
            if place.key == field:
                break
            at += len(self[place.key])
        return at

    def fault(self, field: str, reason: str, offset: int = 0) -> HostFormatError:
        """An error about this field, `offset` bytes into it."""
        return HostFormatError(f"DE {field}", reason, self.position(field) + offset)

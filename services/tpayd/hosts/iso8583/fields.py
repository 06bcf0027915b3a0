"""The fields of one message that was read, and where each of them stands."""

from __future__ import annotations

from tpayd.hosts.errors import HostFormatError

__all__ = ["Fields"]


class Fields:
    """One message: text as text, binary as bytes, each fault with its position. `codec.unpack` has checked each."""

    __slots__ = ("_spans", "mti", "raw")

    def __init__(self, raw: bytes, mti: str, spans: dict[str, slice]) -> None:
        self.raw = raw
        self.mti = mti
        self._spans = spans

    def __contains__(self, field: str) -> bool:
        return field in self._spans

    def get(self, field: str) -> str | None:
        """The text of a field of digits or text, or None without the field."""
        span = self._spans.get(field)
        return None if span is None else self.raw[span].decode("ascii")

    def text(self, field: str) -> str:
        """The same; HostFormatError without the field."""
        span = self._spans.get(field)
        if span is None:
            raise self._missing(field)
        return self.raw[span].decode("ascii")

    def binary(self, field: str) -> bytes:
        """The field's bytes, empty without the field."""
        span = self._spans.get(field)
        return b"" if span is None else self.raw[span]

    def require(self, field: str) -> None:
        """HostFormatError without the field."""
        if field not in self._spans:
            raise self._missing(field)

    def position(self, field: str) -> int:
        """Where the data of a field that is there begins in the message, in bytes."""
        begin: int = self._spans[field].start
        return begin

    def fault(self, field: str, reason: str, offset: int = 0) -> HostFormatError:
        """An error about this field, `offset` bytes into it."""
        return HostFormatError(f"DE {field}", reason, self.position(field) + offset)

    def _missing(self, field: str) -> HostFormatError:
        return HostFormatError(f"DE {field}", f"is missing from {self.mti}")

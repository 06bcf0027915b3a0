"""pyiso8583 over the table of `spec`: another hand wrote it, so it judges the bytes of our own codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import iso8583

from tpayd.hosts.iso8583.codec import Value
from tpayd.hosts.iso8583.spec import FIELDS, Field, Kind, Mti

__all__ = ["RefusedError", "decode", "encode"]


class RefusedError(Exception):
    """What pyiso8583 has against a message or a set of fields."""

    def __init__(self, field: str, position: int | None = None) -> None:
        super().__init__(field, position)
        self.field = field
        self.position = position


def encode(mti: Mti, fields: Mapping[str, Value]) -> bytes:
    """The message, as pyiso8583 writes it."""
    texts = {key: value.hex() if isinstance(value, bytes) else value for key, value in fields.items()}
    try:
        return bytes(iso8583.encode({"t": mti.value, **texts}, _TABLE)[0])
    except iso8583.EncodeError as error:
        raise RefusedError(error.field) from None


def decode(raw: bytes) -> tuple[str, dict[str, tuple[int, bytes]]]:
    """Message type, and each field's position and bytes, as pyiso8583 reads them."""
    try:
        text, encoded = iso8583.decode(raw, _TABLE)
    except iso8583.DecodeError as error:
        raise RefusedError(error.field, error.pos) from None
    except KeyError as error:  # A field that its table does not have.
        raise RefusedError(str(error.args[0])) from None
    fields: dict[str, tuple[int, bytes]] = {}
    at = 0
    for key, parts in encoded.items():
        at += len(parts["len"])
        if key.isdigit() and key != "1":
            fields[key] = (at, parts["data"])
        at += len(parts["data"])
    return text["t"], fields


def _row(field: Field) -> dict[str, Any]:
    return {
        "data_enc": "b" if field.kind is Kind.BINARY else "ascii",
        "len_enc": "ascii",
        "len_type": field.length_digits,
        "max_len": field.size,
        "desc": field.name,
    }


_TABLE = {
    "h": _row(Field(0, "message header", Kind.TEXT, 0, 0)),
    "t": _row(Field(0, "message type", Kind.TEXT, 0, 4)),
    "p": _row(Field(0, "bitmap, primary", Kind.BINARY, 0, 8)),
    "1": _row(Field(1, "bitmap, secondary", Kind.BINARY, 0, 8)),
    **{str(field.number): _row(field) for field in FIELDS},
}

"""Envelopes to bytes and back. One encoder and one decoder for the process: they hold no state between messages.

Between services a frame may also be a bundle: an array of BUNDLE_TAG and a list of binaries, each an envelope. Who
opens bundles says so by `op` of its HELLO, or of the answer to one. Each envelope is judged by itself: one that is bad
must not take its neighbours along.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from tpayd.kit.bus.errors import CallError
from tpayd_contracts.envelope import EMPTY_BODY, PROTOCOL, Envelope, Kind
from tpayd_contracts.errors import ErrorCode

__all__ = [
    "BUNDLES",
    "BadMessageError",
    "answer",
    "bundle",
    "decode_body",
    "encode",
    "encode_body",
    "envelope",
    "is_bundle",
    "open_bundle",
    "open_frame",
    "request",
]

_REQ = int(Kind.REQ)
BUNDLES = "bundles"
"""`op` of HELLO and of its answer: the sender opens bundles."""
BUNDLE_TAG = "tpayd1+"

T = TypeVar("T", bound=Struct)

# A Struct as an envelope's body is written in its place, byte for byte as its Raw would be.
_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_bundles = msgspec.msgpack.Decoder(tuple[str, list[bytes]])
_BUNDLE_STARTS = b"\x92\xa7" + BUNDLE_TAG.encode()
_bodies: dict[type[Struct], Callable[[Raw], Any]] = {}
_PLACE = re.compile(r" - at `(\$[^`]*)`$")
_NAMED = re.compile(r"^Object (?:contains unknown|missing required) field `([^`]{1,64})`")


class BadMessageError(Exception):
    """A frame that is not an envelope."""


def open_frame(frame: bytes | memoryview) -> Envelope:
    """Decode one frame; the body stays raw. Raises BadMessageError."""
    try:
        message = _decode_envelope(frame)
    except (msgspec.MsgspecError, RecursionError) as error:
        # Deep nesting raises RecursionError, which is no DecodeError; UnicodeDecodeError is one.
        raise BadMessageError(str(error)) from None
    except UnicodeDecodeError:
        raise BadMessageError("a string is not UTF-8") from None
    if message.protocol != PROTOCOL:
        raise BadMessageError(f"the protocol tag is not {PROTOCOL!r}")
    return message


def bundle(frames: list[bytes]) -> bytes:
    """One frame of many."""
    return _encode((BUNDLE_TAG, frames))


def is_bundle(frame: bytes) -> bool:
    """Whether a frame means to be a bundle."""
    return frame.startswith(_BUNDLE_STARTS)


def open_bundle(frame: bytes) -> list[bytes]:
    """The frames in a bundle. Raises BadMessageError."""
    try:
        return _bundles.decode(frame)[1]
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadMessageError(str(error)) from None


def envelope(
    kind: int,
    number: int,
    *,
    op: str = "",
    deadline: int = 0,
    key: str | None = None,
    trace: str | None = None,
    session: str | None = None,
    principal: str | None = None,
    body: Raw | Struct = EMPTY_BODY,
) -> bytes:
    """The frame of one message."""
    return _encode(Envelope(PROTOCOL, kind, number, op, deadline, key, trace, session, principal, body))  # type: ignore[arg-type]


def request(
    number: int,
    op: str,
    deadline: int,
    key: str | None,
    trace: str | None,
    session: str,
    principal: str | None,
    body: Raw | Struct,
) -> bytes:
    """The frame of a request: `envelope` with what requests have, in its order, since they are many."""
    return _encode(Envelope(PROTOCOL, _REQ, number, op, deadline, key, trace, session, principal, body))  # type: ignore[arg-type]


def answer(kind: int, number: int, op: str, body: Raw | Struct) -> bytes:
    """The frame of an answer: `envelope` without what only requests have, since each request has one."""
    return _encode(Envelope(PROTOCOL, kind, number, op, 0, None, None, None, None, body))  # type: ignore[arg-type]


def encode(body: Struct) -> bytes:
    """A body as MessagePack."""
    return _encode(body)


def encode_body(body: Struct | Raw) -> Raw:
    """A body ready for an envelope; one that is raw already stays as it is."""
    return body if type(body) is Raw else Raw(_encode(body))


def decode_body(body: Raw, shape: type[T]) -> T:
    """Decode and validate a body. Raises CallError `invalid_body` that names the field."""
    decode = _bodies.get(shape)
    if decode is None:
        decode = _bodies[shape] = msgspec.msgpack.Decoder(shape).decode
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        text, field = _told(str(error))
        raise CallError.not_started(ErrorCode.INVALID_BODY, text, field=field) from None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise CallError.not_started(
            ErrorCode.INVALID_BODY, "the body is not MessagePack, or nested too deep", field="$"
        ) from None


def _told(error: str) -> tuple[str, str]:
    """The sentence and the place of a validation error. msgspec names an unknown field's parent; we name the field."""
    place = _PLACE.search(error)
    text, field = (error, "$") if place is None else (error[: place.start()], place[1])
    named = _NAMED.match(text)
    return text[:300], field if named is None else f"{field}.{named[1]}"

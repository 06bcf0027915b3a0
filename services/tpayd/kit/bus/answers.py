"""What the calling end makes of an answer. One that cannot be read says nothing of what happened: `unknown`."""

from __future__ import annotations

from typing import TypeVar

from msgspec import Raw, Struct

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.wire import decode_body
from tpayd_contracts.errors import ErrorBody, ErrorCode

__all__ = ["decode_error", "decode_reply"]

A = TypeVar("A", bound=Struct)


def decode_reply(body: Raw, shape: type[A]) -> A:
    """The reply to a request that was served. Raises CallError `internal`, `unknown`: it did happen."""
    try:
        return decode_body(body, shape)
    except CallError as fault:
        text = f"the answer could not be read ({fault.field}: {fault.message}); is one side of another version?"
        raise CallError.unknown(ErrorCode.INTERNAL, text) from None


def decode_error(body: Raw) -> CallError:
    """The error that came off the wire; `internal`, `unknown` for one that cannot be read, such as a newer code."""
    try:
        return CallError.of(decode_body(body, ErrorBody))
    except CallError as fault:
        text = f"the error could not be read ({fault.field}: {fault.message}); is one side of another version?"
        return CallError.unknown(ErrorCode.INTERNAL, text)

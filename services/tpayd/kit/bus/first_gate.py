"""The first thing that a server asks of a message: one frame of legal size that holds an envelope."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.wire import BadMessageError, open_frame
from tpayd_contracts.envelope import Envelope
from tpayd_contracts.errors import ErrorCode

__all__ = ["delimiter_of", "open_message"]


def open_message(frames: Sequence[zmq.Frame], max_frame_bytes: int) -> Envelope:
    """The envelope behind a routing id. Raises CallError `bad_message` or `too_large`."""
    if len(frames) != 2:
        text = "a message is one frame; this one had more (a REQ socket adds one: use DEALER)"
        raise CallError.not_started(ErrorCode.BAD_MESSAGE, text)
    if len(frames[1]) > max_frame_bytes:
        text = f"a frame holds at most {max_frame_bytes} bytes"
        raise CallError.not_started(ErrorCode.TOO_LARGE, text, field="$")
    try:
        return open_frame(frames[1].bytes)
    except BadMessageError as error:
        raise CallError.not_started(ErrorCode.BAD_MESSAGE, f"not an envelope: {error}") from None


def delimiter_of(frames: Sequence[zmq.Frame]) -> tuple[bytes, ...]:
    """What an answer must begin with so that its receiver can read it: an empty frame for a REQ socket."""
    return (b"",) if len(frames) > 2 and not frames[1].bytes else ()

"""The first thing that a server asks of a message: one frame of legal size."""

from __future__ import annotations

from collections.abc import Sequence

import zmq

from tpayd.kit.bus.errors import CallError
from tpayd.kit.bus.wire import BadMessageError, is_bundle, open_bundle
from tpayd_contracts.errors import ErrorCode

__all__ = ["delimiter_of", "payloads_of"]


def payloads_of(frames: Sequence[zmq.Frame], max_frame_bytes: int, *, bundles: bool) -> Sequence[bytes]:
    """What stands behind a routing id: a message, or those of a bundle where such are opened.

    Raises CallError `bad_message` or `too_large`.
    """
    if len(frames) != 2:
        text = "a message is one frame; this one had more (a REQ socket adds one: use DEALER)"
        raise CallError.not_started(ErrorCode.BAD_MESSAGE, text)
    payload = frames[1].bytes
    if len(payload) > max_frame_bytes:
        text = f"a frame holds at most {max_frame_bytes} bytes"
        raise CallError.not_started(ErrorCode.TOO_LARGE, text, field="$")
    if not bundles or not is_bundle(payload):
        return (payload,)
    try:
        return open_bundle(payload)
    except BadMessageError as fault:
        raise CallError.not_started(ErrorCode.BAD_MESSAGE, f"not a bundle: {fault}") from None


def delimiter_of(frames: Sequence[zmq.Frame]) -> tuple[bytes, ...]:
    """What an answer must begin with so that its receiver can read it: an empty frame for a REQ socket."""
    return (b"",) if len(frames) > 2 and not frames[1].bytes else ()

"""Example messages as the bytes that cross a socket: whole frames, as a client and the daemon would send them."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tpayd_contracts import examples
from tpayd_contracts.catalogue import OPS
from tpayd_contracts.envelope import EMPTY_BODY, PROTOCOL, Envelope, Kind

__all__ = ["body_type", "golden_frames"]

_ID = 7
_TTL_MS = 60_000


def golden_frames() -> dict[str, bytes]:
    """File stem → frame: `<op>.<request|progress|reply>`, `event.<topic>`, and the kinds without an operation."""
    frames = {
        "hello.request": _frame(Kind.HELLO, examples.HELLO.request, deadline=_TTL_MS),
        "hello.reply": _frame(Kind.REPLY, examples.HELLO.reply),
        "error": _frame(Kind.ERROR, examples.ERROR),
        "cancel": _frame(Kind.CANCEL, session=examples.SESSION),
        "ping": _frame(Kind.PING, session=examples.SESSION),
        "pong": _frame(Kind.PONG),
    }
    for name, example in examples.EXAMPLES.items():
        frames[f"{name}.request"] = _frame(
            Kind.REQ,
            example.request,
            op=name,
            deadline=_TTL_MS,
            key=examples.REQUEST_ID if OPS[name].needs_key else None,
            trace=examples.TRACE,
            session=examples.SESSION,
        )
        if example.progress is not None:
            frames[f"{name}.progress"] = _frame(Kind.PROGRESS, example.progress)
        frames[f"{name}.reply"] = _frame(Kind.REPLY, example.reply)
    for topic, body in examples.EVENTS.items():
        frames[f"event.{topic}"] = _frame(Kind.EVENT, body, op=topic, session=examples.SESSION)
    return frames


def body_type(stem: str) -> type[Struct] | None:
    """The Struct of a golden message's body; None where the body is the empty map. KeyError for an unknown stem."""
    if stem in {"cancel", "ping", "pong"}:
        return None
    if stem == "error":
        return type(examples.ERROR)
    if stem.startswith("event."):
        return type(examples.EVENTS[stem.removeprefix("event.")])
    name, part = stem.rsplit(".", 1)
    if name == "hello":
        return type(examples.HELLO.request) if part == "request" else type(examples.HELLO.reply)
    op = OPS[name]
    return {"request": op.request, "reply": op.reply, "progress": op.progress}[part]


def _frame(
    kind: Kind,
    body: Struct | None = None,
    *,
    op: str = "",
    deadline: int = 0,
    key: str | None = None,
    trace: str | None = None,
    session: str | None = None,
) -> bytes:
    raw = EMPTY_BODY if body is None else msgspec.Raw(msgspec.msgpack.encode(body))
    return msgspec.msgpack.encode(Envelope(PROTOCOL, kind, _ID, op, deadline, key, trace, session, None, raw))

"""How an answer leaves the host: as it should, or as a test wants it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from tpayd.hosts.framing import frame
from tpayd_contracts.sandbox import HostBehaviour, HostMode

__all__ = ["Delivery", "deliveries", "joined"]

_AS_IT_SHOULD = frozenset({HostMode.APPROVE, HostMode.DECLINE})
_NOISE = 0xA5
_TYPE_BYTES = 4


class Delivery(Struct, frozen=True):
    """One thing that leaves a connection."""

    after_ms: int = 0
    pieces: tuple[bytes, ...] = ()
    """Each in a write of its own, and nothing else between them."""
    hang_up: bool = False


def deliveries(answer: bytes, behaviour: HostBehaviour, late_answer_ms: int) -> tuple[Delivery, ...]:
    """What leaves, and when, for one complete answer."""
    mode, after_ms = behaviour.mode, behaviour.delay_ms
    if mode in _AS_IT_SHOULD:
        return (Delivery(after_ms, (frame(answer),)),)
    if mode in (HostMode.SILENT, HostMode.DEAF):
        return ()
    if mode is HostMode.HANG_UP:
        return (Delivery(after_ms, hang_up=True),)
    whole = Delivery(after_ms, (frame(answer),))
    if mode is HostMode.LATE:
        return (Delivery(after_ms or late_answer_ms, whole.pieces),)
    if mode is HostMode.TWICE:
        return (whole, whole)
    if mode is HostMode.GARBLED:
        noisy = answer[:_TYPE_BYTES] + bytes(byte ^ _NOISE for byte in answer[_TYPE_BYTES:])
        return (Delivery(after_ms, (frame(noisy),)),)
    if mode is HostMode.SPLIT:
        return (Delivery(after_ms, tuple(bytes([byte]) for byte in frame(answer))),)
    if mode is HostMode.BAD_MAC:
        return (Delivery(after_ms, (frame(answer[:-1] + bytes([answer[-1] ^ 1])),)),)
    return (whole,)


def joined(what: Sequence[Delivery]) -> Iterator[Delivery]:
    """The same in fewer writes: neighbours that leave whole and at once leave together."""
    for whole, neighbours in groupby(what, _is_whole):
        if whole:
            yield Delivery(pieces=(b"".join(delivery.pieces[0] for delivery in neighbours),))
        else:
            yield from neighbours


def _is_whole(delivery: Delivery) -> bool:
    return len(delivery.pieces) == 1 and not delivery.after_ms

"""Answers that grow with the store, in pages: a frame holds 64 KiB, its envelope and the gateway's included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct

from tpayd.kit.bus.wire import encode_body

__all__ = ["PAGE_MAX_BYTES", "within"]

PAGE_MAX_BYTES = 40 * 1024
"""Of what a page lists; the rest of the frame is for what stands beside it."""

S = TypeVar("S", bound=Struct)


def within(size_bytes: int, items: Iterable[S], *, at_least: int = 0) -> tuple[S, ...]:
    """The first of them, as many as fit; `at_least` so many, whatever their size."""
    fitting: list[S] = []
    for item in items:
        size = len(encode_body(item))
        if size > size_bytes and len(fitting) >= at_least:
            break
        size_bytes -= size
        fitting.append(item)
    return tuple(fitting)

"""Answers that grow with the store, in pages: a frame holds 64 KiB, its envelope and the gateway's included.

Pages are cut by names, not by places: what comes or goes between two of them makes nothing else twice or missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from tpayd.kit.bus.wire import encode_body

__all__ = ["PAGE_MAX_BYTES", "Page", "all_pages", "page_of", "within"]

PAGE_MAX_BYTES = 40 * 1024
"""Of what a page lists; the rest of the frame is for what stands beside it."""

T = TypeVar("T")
S = TypeVar("S", bound=Struct)


class Told(Protocol):
    """An answer that is one page."""

    @property
    def next(self) -> str | None:
        """The last name on it; None on the last page."""


P = TypeVar("P", bound=Told)


class Page(Generic[S]):
    """One page, while it is filled: at least one item, whatever its size, so that there is always a next one."""

    def __init__(self, names: Iterable[str], after: str | None) -> None:
        """`after`: the last name on the page before."""
        self.wanted = sorted(name for name in names if after is None or name > after)
        """Put their items, in this order, as long as there is room."""
        self._room_bytes = PAGE_MAX_BYTES
        self._items: list[S] = []

    def put(self, item: S) -> bool:
        """Take the next item in; False: it has no room, and the page is full."""
        size_bytes = len(encode_body(item))
        if size_bytes > self._room_bytes and self._items:
            return False
        self._room_bytes -= size_bytes
        self._items.append(item)
        return True

    @property
    def items(self) -> tuple[S, ...]:
        """What has room on it."""
        return tuple(self._items)

    @property
    def next(self) -> str | None:
        """The last name on it, if there are more."""
        return self.wanted[len(self._items) - 1] if len(self._items) < len(self.wanted) else None


def page_of(names: Iterable[str], after: str | None, item: Callable[[str], S]) -> Page[S]:
    """The items whose names come after `after`, as many as fit."""
    page: Page[S] = Page(names, after)
    for name in page.wanted:
        if not page.put(item(name)):
            break
    return page


def within(size_bytes: int, items: Iterable[S]) -> tuple[S, ...]:
    """The first of them, as many as fit beside a page's items."""
    fitting: list[S] = []
    for item in items:
        size_bytes -= len(encode_body(item))
        if size_bytes < 0:
            break
        fitting.append(item)
    return tuple(fitting)


async def all_pages(ask: Callable[[str | None], Awaitable[P]], items: Callable[[P], Iterable[T]]) -> tuple[T, ...]:
    """The items of all pages; `ask` is told the `next` of the page before. Raises what `ask` raises."""
    page = await ask(None)
    found = [*items(page)]
    while page.next is not None:
        page = await ask(page.next)
        found += items(page)
    return tuple(found)

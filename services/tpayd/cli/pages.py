"""Reports on all readers of a large store, which come in pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from tpayd_client.types import FirmwareReport, IntegrityReport

__all__ = ["all_readers"]

R = TypeVar("R", FirmwareReport, IntegrityReport)


def all_readers(first: R, ask: Callable[[str], R]) -> R:
    """The first page with the readers of those that follow; `ask` is told the `next` of the page before."""
    readers, after = [*first.readers], first.next
    while after is not None:
        page = ask(after)
        readers += page.readers
        after = page.next
    return replace(first, readers=tuple(readers), next=None)

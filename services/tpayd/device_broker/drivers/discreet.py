"""What holds card or key data and must not show it: not in a log, an exception's text, or a debugger's list."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Discreet"]


class Discreet(Struct, frozen=True, gc=False):
    """A value that shows its type alone."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return []

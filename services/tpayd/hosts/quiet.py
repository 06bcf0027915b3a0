"""A Struct whose repr tells the length of binary fields and never their bytes.

Card data, EMV data, key material and MACs are all `bytes` in this package, so one rule keeps them out of logs.
"""

from __future__ import annotations

from msgspec import Struct, structs

__all__ = ["Quiet"]


class Quiet(Struct, frozen=True, gc=False):
    """Base of every Struct here that holds bytes."""

    def __repr__(self) -> str:
        shown = ((field.name, getattr(self, field.name)) for field in structs.fields(self))
        inner = ", ".join(
            f"{name}=<{len(value)} bytes>" if isinstance(value, bytes) else f"{name}={value!r}" for name, value in shown
        )
        return f"{type(self).__name__}({inner})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        shown = ((field.name, getattr(self, field.name)) for field in structs.fields(self))
        return [(name, f"<{len(value)} bytes>" if isinstance(value, bytes) else value) for name, value in shown]

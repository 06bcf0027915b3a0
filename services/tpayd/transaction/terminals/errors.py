"""What can go wrong with the card host, beside its not being reached."""

from __future__ import annotations

__all__ = ["HostRefusedError"]


class HostRefusedError(Exception):
    """The host answered no; `code` is its response code (DE 39)."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the host refuses it with code {code}")
        self.code = code

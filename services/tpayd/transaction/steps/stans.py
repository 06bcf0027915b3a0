"""STANs (DE 11): six digits, unique per profile, terminal and business day; reserved on disk in blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tpayd.transaction.journal import StanBlock

__all__ = ["BLOCK", "LAST", "Stans"]

LAST = 999_999
BLOCK = 100
"""STANs reserved at once. After a crash the unused rest of a block is skipped."""


class Stans:
    """Hands out the next STAN of each terminal.

    A new block is put into the journal before its first number is handed out, so it is on disk no later than the
    request that uses it: both wait for the same commit.
    """

    def __init__(
        self,
        profile: str,
        reserved: Mapping[tuple[str, str], int],
        put_block: Callable[[StanBlock], None],
        in_use: Callable[[str, str], bool],
    ) -> None:
        """`in_use(terminal_id, stan)` is True for numbers of open payments, which a wrap must skip."""
        self._profile = profile
        self._put_block = put_block
        self._in_use = in_use
        self._last = {terminal: last for (of, terminal), last in reserved.items() if of == profile}
        self._reserved = dict(self._last)

    def take(self, terminal_id: str) -> str:
        """The terminal's next STAN."""
        for _ in range(LAST):
            number = self._next(terminal_id)
            stan = f"{number:06d}"
            if not self._in_use(terminal_id, stan):
                return stan
        raise RuntimeError(f"all {LAST} STANs of terminal {terminal_id} belong to open payments")

    def _next(self, terminal_id: str) -> int:
        last = self._last.get(terminal_id, 0)
        reserved = self._reserved.get(terminal_id)
        if reserved is None or last == reserved:
            end = min(last % LAST + BLOCK, LAST)
            self._put_block(StanBlock(self._profile, terminal_id, end))
            self._reserved[terminal_id] = end
        self._last[terminal_id] = last % LAST + 1
        return self._last[terminal_id]

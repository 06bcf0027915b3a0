"""Whether the disk may be waited for on the event loop: only one that has been quick for a while."""

from __future__ import annotations

__all__ = ["QUICK_US", "QUICK_WRITES", "QuickDisk"]

QUICK_US = 5_000
"""As long as a write may take at the most. Whoever asks meanwhile waits as long."""
QUICK_WRITES = 8
"""So many in a row. One that is quick now and then is waited for by the thread alone."""


class QuickDisk:
    """Told how long each write took. At first nothing is known of it: that is not quick."""

    def __init__(self) -> None:
        self._in_a_row = 0

    @property
    def is_quick(self) -> bool:
        return self._in_a_row >= QUICK_WRITES

    def took(self, duration_us: int, *, failed: bool) -> None:
        """One write, done or refused."""
        self._in_a_row = 0 if failed or duration_us > QUICK_US else self._in_a_row + 1

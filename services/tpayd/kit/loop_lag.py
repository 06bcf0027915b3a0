"""How late the event loop is: a timer that looks at the clock each time it fires.

A handler that computes or blocks for too long delays every payment in the process, and nothing else shows it.
"""

from __future__ import annotations

import asyncio

__all__ = ["LoopLag"]

_SAMPLE_S = 0.25
_WINDOW_SAMPLES = 40
"""Ten seconds: the longest delay is kept for one to two windows, so that a scrape every 15 s rarely misses it."""


class LoopLag:
    """The longest recent delay of the running loop."""

    def __init__(self) -> None:
        self._current_s = 0.0
        self._previous_s = 0.0
        self._left = _WINDOW_SAMPLES
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def longest_s(self) -> float:
        """Longest delay within the last 10 to 20 s, in seconds. A delay under way counts as well."""
        now_late_s = 0.0
        if self._loop is not None and self._timer is not None:
            now_late_s = self._loop.time() - self._timer.when()
        return max(self._current_s, self._previous_s, now_late_s)

    def start(self) -> None:
        """Sample the running loop."""
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(_SAMPLE_S, self._sample)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _sample(self) -> None:
        assert self._loop is not None  # noqa: S101  start() has set both
        assert self._timer is not None  # noqa: S101
        self._current_s = max(self._current_s, self._loop.time() - self._timer.when())
        self._left -= 1
        if self._left == 0:
            self._previous_s, self._current_s, self._left = self._current_s, 0.0, _WINDOW_SAMPLES
        self._timer = self._loop.call_later(_SAMPLE_S, self._sample)

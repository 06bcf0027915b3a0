"""How long a server is waited for: what it is granted, and what is left of that."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tpayd.updater.errors import StoppedError, TooSlowError

__all__ = ["Limits", "Patience"]


@dataclass(frozen=True)
class Limits:
    """What a server is granted."""

    connect_s: float = 10.0
    metadata_s: float = 60.0
    """For all signed metadata of one look at the repository."""
    file_s: float = 3600.0
    """For one file, all tries together."""
    least_speed_bytes_per_s: float = 1024.0
    speed_window_s: float = 20.0
    """The least speed holds in each such span: a silent server is left after it."""
    tries: int = 4
    """How often a file is asked for in a row with nothing gained by it."""
    busy_wait_s: float = 15.0
    """For another process or thread that works on the metadata; that takes a moment at most."""
    retry_wait_s: float = 1.0
    """Before the second try; doubled for each further one."""


class Patience:
    """What is left of the time granted for one piece of work; shared by all its connections."""

    def __init__(
        self, limits: Limits, total_s: float, stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.limits = limits
        self._total_s = total_s
        self._stop = stop or threading.Event()
        self._clock = clock
        self._end_s = clock() + total_s
        self._window_from_s = clock()
        self._window_bytes = 0

    def new_connection(self) -> None:
        """The speed is measured anew."""
        self._window_from_s, self._window_bytes = self._clock(), 0

    def check(self, gained_bytes: int = 0) -> None:
        """Raises StoppedError, TooSlowError."""
        if self._stop.is_set():
            raise StoppedError("stopped as asked; what has been fetched is kept, and the next try goes on from there")
        now_s = self._clock()
        if now_s >= self._end_s:
            text = f"not done within the {self._total_s:g} s granted; what has been fetched is kept: try again later"
            raise TooSlowError(text)
        self._window_bytes += gained_bytes
        elapsed_s = now_s - self._window_from_s
        if elapsed_s < self.limits.speed_window_s:
            return
        speed = self._window_bytes / elapsed_s
        if speed < self.limits.least_speed_bytes_per_s:
            text = (
                f"the server sends {speed:.0f} bytes/s, less than the {self.limits.least_speed_bytes_per_s:g} asked of "
                "it; what has been fetched is kept: try again later"
            )
            raise TooSlowError(text)
        self.new_connection()

    def wait(self, seconds: float) -> None:
        """Between two tries. Raises StoppedError, TooSlowError."""
        self._stop.wait(max(0.0, min(seconds, self._end_s - self._clock())))
        self.check()
        self.new_connection()

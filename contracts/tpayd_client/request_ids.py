"""Request ids that ascend with time: UUIDs of version 7 (RFC 9562, section 5.7).

Any UUID will do for the daemon. Ids in the order of time lie side by side in its journal's index, where random ones are
scattered over all of it: each would be put into a page of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

__all__ = ["RequestIds", "new_request_id"]

_COUNT_BITS = 12
_FIRST_COUNTS = 1 << _COUNT_BITS - 1
"""A millisecond's first count is drawn from the lower half, so that at least as many follow before it is full."""
_TAIL_BITS = 62
_VARIANT = 0b10 << _TAIL_BITS
_MS_MAX = (1 << 48) - 1


class RequestIds:
    """Makes ids, each greater than the one before; from any thread.

    Within a millisecond, and where the clock is set back, a counter of 12 bits ascends (RFC 9562, section 6.2, method
    1). The other 62 bits are random, so ids of two tills never meet, whatever their clocks say.
    """

    def __init__(self, unix_ms: Callable[[], int], random: Callable[[int], bytes] = os.urandom) -> None:
        """`unix_ms` is the time (UTC); `random` gives as many bytes as it is asked for."""
        self._unix_ms = unix_ms
        self._random = random
        self._lock = threading.Lock()
        self._ms = -1
        self._count = 0

    def next(self) -> str:
        """The next id, in lower case."""
        drawn = int.from_bytes(self._random(10), "big")
        with self._lock:
            ms = self._unix_ms()
            if ms > self._ms:
                self._ms, self._count = ms, drawn % _FIRST_COUNTS
            elif self._count + 1 >> _COUNT_BITS:
                self._ms, self._count = self._ms + 1, drawn % _FIRST_COUNTS
            else:
                self._count += 1
            ms, count = self._ms & _MS_MAX, self._count
        tail = _VARIANT | drawn >> 80 - _TAIL_BITS
        return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{count:03x}-{tail >> 48:04x}-{tail & _MS_MAX:012x}"


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


_ids = RequestIds(_unix_ms)


def new_request_id() -> str:
    """A request id for one payment; never used again."""
    return _ids.next()

"""What a process does before its imports, which are most of its start. The standard library's lightest parts only."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable

__all__ = ["AFTER_OTHERS_VARIABLE", "make_room", "take", "wait_for_room"]

AFTER_OTHERS_VARIABLE = "TPAYD_AFTER_OTHERS"
"""Set for a process that a sale does not need: it makes room while the others start."""

_ROOM_WAIT_MAX_S = 2.0
"""As long as a store takes to start on two processors. One that never has room is not waited for."""
_LOOK_EVERY_S = 0.1
_LOOKS = 2
"""In a row: processes that start wait for each other now and then."""
_IDLE = 0.2
"""Of the machine."""
_IDLE_FIELD = 3
_FIELDS = 8
"""user, nice, system, idle, iowait, irq, softirq, steal: proc_stat(5). Guests' time is counted in the first two."""


def take() -> None:
    """Keep the collector from walking again and again what the imports make, and make room where told to.

    `kit.life` switches the collector on when the process is ready. Looking for garbage where hardly any is took a sixth
    of transaction's imports.
    """
    gc.disable()
    if os.environ.get(AFTER_OTHERS_VARIABLE):
        make_room()


def make_room() -> None:
    """Let processes go first that start at this time: returns when there is room on this machine, in 2 s at most."""
    wait_for_room(_cpu_times, time.sleep)


def wait_for_room(read: Callable[[], list[int]], sleep: Callable[[float], None]) -> None:
    """Return when a part of the machine is idle, or after `_ROOM_WAIT_MAX_S`.

    nice(1) is not enough: it gives a tenth of a processor to each of four processes, whoever waits. `read` gives the
    machine's times in ticks.
    """
    before, idle_looks = read(), 0
    for _ in range(round(_ROOM_WAIT_MAX_S / _LOOK_EVERY_S)):
        sleep(_LOOK_EVERY_S)
        now = read()
        passed = sum(now) - sum(before)
        idle = now[_IDLE_FIELD] - before[_IDLE_FIELD]
        idle_looks = idle_looks + 1 if idle >= _IDLE * passed else 0
        if idle_looks == _LOOKS:
            return
        before = now


def _cpu_times() -> list[int]:
    try:
        with open("/proc/stat", encoding="ascii") as file:  # noqa: PTH123 (pathlib is an import of its own)
            return [int(field) for field in file.readline().split()[1 : 1 + _FIELDS]]
    except OSError:  # not told, so nothing to wait for
        return [0] * _FIELDS

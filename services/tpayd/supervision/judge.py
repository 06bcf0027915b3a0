"""Judges a release on trial by what its supervisord tells of its processes: do they live? Pure; the launcher asks.

| seen                                                           | judged                    |
|----------------------------------------------------------------|---------------------------|
| before all was ready, one process died `deaths_before_ready`   | it does not start: back   |
| times                                                          |                           |
| after all was ready, one process died                          | it does not live: back    |
| supervisord itself ended                                       | back                      |
| none of its processes ever ran, `nothing_s` after its          | it does not start: back   |
| start                                                          |                           |

A process that hangs is killed by the watchdog, which makes it one that died. What is never ready has a limit in the
apply journal.

A process that cannot even be imported lives for some twenty milliseconds: who looks now and then at what lives does
not see it. So deaths are known by when supervisord saw each process end last, which it tells until the next end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tpayd.supervision.control import ProcessInfo

__all__ = ["Judge", "Limits"]


@dataclass(frozen=True)
class Limits:
    """The judge's numbers."""

    deaths_before_ready: int = 3
    """A start may fail once for what is not the release's fault: a port that is still taken, a disk that stalls."""
    nothing_s: float = 20.0


class Judge:
    """What the launcher remembers of one trial."""

    def __init__(self, began_s: float, limits: Limits | None = None) -> None:
        self._began_s = began_s
        self._limits = limits or Limits()
        self._ended: dict[str, int] = {}
        self._deaths: Counter[str] = Counter()
        self._told_any = False
        self._ran_any = False

    def look(self, processes: Collection[ProcessInfo], *, ready: bool, now_s: float) -> str:
        """Take what supervisord tells, nothing where it does not answer; return why it has to go back, or nothing.

        What ended before a first look at a release that is ready is not held against it: that was judged already.
        """
        ended = {process.name: process.ended_s for process in processes if process.ended_s}
        known = ended if ready and not self._told_any else self._ended
        died = [name for name, ended_s in ended.items() if known.get(name) != ended_s]
        self._ended |= ended
        self._told_any |= bool(processes)
        self._ran_any |= any(process.pid or process.ended_s for process in processes)
        self._deaths.update(died)
        after_s = now_s - self._began_s
        if ready and died:
            return f"{died[0]} died {after_s:.0f} s after the start of the new version"
        name, deaths = next(iter(self._deaths.most_common(1)), ("", 0))
        if not ready and deaths >= self._limits.deaths_before_ready:
            return f"{name} died {deaths} times within {after_s:.0f} s of the start of the new version"
        if not self._ran_any and after_s > self._limits.nothing_s:
            return f"none of its processes runs {after_s:.0f} s after its start"
        return ""

"""Judges a release on trial by what can be seen from outside: do its processes live? Pure; the launcher looks.

| seen                                                           | judged                    |
|----------------------------------------------------------------|---------------------------|
| before all was ready, one process died `deaths_before_ready`   | it does not start: back   |
| times                                                          |                           |
| after all was ready, one process died                          | it does not live: back    |
| supervisord itself ended                                       | back                      |
| none of its processes was ever seen, `nothing_s` after its     | it does not start: back   |
| start                                                          |                           |

A process that hangs is killed by the watchdog, which makes it one that died. What is never ready has a limit in the
apply journal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

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
        self._alive: dict[int, str] = {}
        self._deaths: Counter[str] = Counter()
        self._seen_any = False

    def look(self, alive: Mapping[int, str], *, ready: bool, now_s: float) -> str:
        """Take what lives now, process id → name; return why it has to go back, or an empty text."""
        died = [name for pid, name in self._alive.items() if alive.get(pid) != name]
        self._alive = dict(alive)
        self._seen_any |= bool(alive)
        self._deaths.update(died)
        after_s = now_s - self._began_s
        if ready and died:
            return f"{died[0]} died {after_s:.0f} s after the start of the new version"
        name, deaths = next(iter(self._deaths.most_common(1)), ("", 0))
        if not ready and deaths >= self._limits.deaths_before_ready:
            return f"{name} died {deaths} times within {after_s:.0f} s of the start of the new version"
        if not self._seen_any and after_s > self._limits.nothing_s:
            return f"none of its processes runs {after_s:.0f} s after its start"
        return ""

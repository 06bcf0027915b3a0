"""The watchdog's rules: when a process counts as hung, and when a given-up one is tried again. Pure.

| seen                                                          | done                                          |
|---------------------------------------------------------------|-----------------------------------------------|
| no answer to `misses_to_kill` PINGs in a row, after the grace | SIGKILL; supervisor starts it again           |
| any answer, or another process id                             | the count begins anew                         |
| supervisor has given up on it (FATAL)                         | alarm, then a start after the cool-down       |
| given up again within `calm_s` of that start                  | alarm, then twice the cool-down, to its bound |
| FATAL in a round, and no start is due: the event was missed   | the same as for the event                     |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tpayd.supervision.control import ProcessInfo, ProcessState

__all__ = ["Limits", "Vigil"]


@dataclass(frozen=True)
class Limits:
    """The watchdog's numbers."""

    misses_to_kill: int = 3
    """One round is made every 5 s, so a hung process is found within 15 s."""
    grace_s: int = 15
    """A process that has just started may still be busy with its journal or its keys."""
    cool_down_s: float = 30.0
    cool_down_max_s: float = 600.0
    calm_s: float = 1200.0
    """After so long without giving up, the cool-down is short again."""


@dataclass
class _GivenUp:
    cool_down_s: float
    at_s: float
    start_due: bool


class Vigil:
    """What the watchdog remembers between two rounds."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._misses: dict[tuple[str, int], int] = {}
        self._given_up: dict[str, _GivenUp] = {}

    def to_ping(self, processes: Iterable[ProcessInfo]) -> list[ProcessInfo]:
        """Those that are expected to answer now."""
        return [
            process
            for process in processes
            if process.state is ProcessState.RUNNING and process.uptime_s >= self._limits.grace_s
        ]

    def hung(self, answers: Mapping[ProcessInfo, bool]) -> list[ProcessInfo]:
        """Take the answers of one round; return those to kill."""
        misses: dict[tuple[str, int], int] = {}
        hung = []
        for process, answered in answers.items():
            seen = (process.name, process.pid)
            if answered:
                continue
            count = self._misses.get(seen, 0) + 1
            if count >= self._limits.misses_to_kill:
                hung.append(process)
            else:
                misses[seen] = count
        self._misses = misses
        return hung

    def gave_up(self, name: str, now_s: float) -> float:
        """Supervisor has given up on `name`; return the seconds until it is tried again."""
        before = self._given_up.get(name)
        if before is None or now_s - before.at_s > self._limits.calm_s:
            cool_down_s = self._limits.cool_down_s
        else:
            cool_down_s = min(before.cool_down_s * 2, self._limits.cool_down_max_s)
        self._given_up[name] = _GivenUp(cool_down_s, now_s, start_due=True)
        return cool_down_s

    def waits(self, name: str) -> bool:
        """Whether it is known that supervisor has given up on `name`, and its start is still to come."""
        given_up = self._given_up.get(name)
        return given_up is not None and given_up.start_due

    def missed(self, processes: Iterable[ProcessInfo]) -> list[str]:
        """Those that supervisor has given up on and that nobody waits for.

        It happened while the watchdog itself was away, or supervisor refused the start that was due.
        """
        return [
            process.name
            for process in processes
            if process.state is ProcessState.FATAL and not self.waits(process.name)
        ]

    def due(self, now_s: float) -> list[str]:
        """Names to start again now; each is returned once."""
        names = []
        for name, given_up in self._given_up.items():
            if given_up.start_due and now_s >= given_up.at_s + given_up.cool_down_s:
                given_up.start_due = False
                names.append(name)
        return names

"""How soon after a death the verdicts came: from the moment when the process was ready again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.torture.told import Told
from tpayd.kit.instance import Instance

__all__ = ["Outage", "Outages", "ReadyTimes", "longest_wait"]

_EVENT = b'"process.ready"'


@dataclass(frozen=True)
class Outage:
    """From a disturbance to the end of what it did, in Unix time."""

    what: str
    began_s: float
    healed_s: float
    death: bool
    """A process was killed; otherwise something was only slow, stopped, unplugged or full for a while."""


class ReadyTimes:
    """Reads the services' logs as they grow."""

    def __init__(self, instance: Instance) -> None:
        self._directory = instance.log
        self._read_to: defaultdict[str, int] = defaultdict(int)
        self._times: defaultdict[str, list[float]] = defaultdict(list)

    def of(self, service: str) -> list[float]:
        """When the service became ready, in Unix time, oldest first."""
        path = self._directory / f"{service}.jsonl"
        if not path.exists():
            return self._times[service]
        with path.open("rb") as log:
            if log.seek(0, 2) < self._read_to[service]:
                self._read_to[service] = 0  # a new file: the old one was rotated
            log.seek(self._read_to[service])
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read_to[service] += len(line)
                if _EVENT in line:
                    self._times[service].append(datetime.fromisoformat(json.loads(line)["time"]).timestamp())
        return self._times[service]


class Outages:
    """Notes what was done to a store, and finds out when it was over."""

    def __init__(self, instance: Instance) -> None:
        self._ready = ReadyTimes(instance)
        self._deaths: list[tuple[str, float]] = []
        self._others: list[Outage] = []

    def killed(self, service: str, at_s: float) -> None:
        """A process was killed; its next readiness ends the outage."""
        self._deaths.append((service, at_s))

    def disturbed(self, what: str, began_s: float, healed_s: float) -> None:
        """Something else was wrong for a while."""
        self._others.append(Outage(what, began_s, healed_s, death=False))

    def is_back(self, service: str) -> bool:
        """Whether the service is ready again after its last death."""
        last_s = max((at_s for name, at_s in self._deaths if name == service), default=0.0)
        return any(ready_s > last_s for ready_s in self._ready.of(service)[-1:])

    def all(self) -> list[Outage]:
        """Every outage whose end is known."""
        found = list(self._others)
        for service, at_s in self._deaths:
            healed_s = next((ready_s for ready_s in self._ready.of(service) if ready_s > at_s), None)
            if healed_s is not None:
                found.append(Outage(service, at_s, healed_s, death=True))
        return found


def longest_wait(told: Iterable[Told], outages: Iterable[Outage]) -> tuple[float, Told | None]:
    """The longest wait for a verdict that was open at a death, from the end of all that was wrong meanwhile; whose."""
    longest: tuple[float, Told | None] = (0.0, None)
    by_end = sorted(outages, key=lambda outage: outage.healed_s)
    for each in told:
        meant = [outage for outage in by_end if outage.began_s <= each.told_s and outage.healed_s >= each.began_s]
        if any(outage.death and outage.began_s >= each.began_s for outage in meant):
            longest = max(longest, (each.told_s - meant[-1].healed_s, each), key=lambda wait: wait[0])
    return longest

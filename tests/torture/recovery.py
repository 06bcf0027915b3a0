"""When each process became ready: between a kill and this moment nobody can have a verdict, and soon after all must."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime

from tpayd.kit.instance import Instance

__all__ = ["ReadyTimes"]

_EVENT = b'"process.ready"'


class ReadyTimes:
    """Reads the services' logs as they grow."""

    def __init__(self, instance: Instance) -> None:
        self._directory = instance.log
        self._read_to: defaultdict[str, int] = defaultdict(int)
        self._last_s: defaultdict[str, float] = defaultdict(float)

    def last_s(self, service: str) -> float:
        """When the service became ready last, in Unix time; 0 if it never did."""
        path = self._directory / f"{service}.jsonl"
        if not path.exists():
            return self._last_s[service]
        with path.open("rb") as log:
            if log.seek(0, 2) < self._read_to[service]:
                self._read_to[service] = 0  # a new file: the old one was rotated
            log.seek(self._read_to[service])
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read_to[service] += len(line)
                if _EVENT in line:
                    self._last_s[service] = datetime.fromisoformat(json.loads(line)["time"]).timestamp()
        return self._last_s[service]

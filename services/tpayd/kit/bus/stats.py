"""What the bus counts. `tpayd.kit.metrics` turns it into Prometheus metrics; tests count in plain lists."""

from __future__ import annotations

from typing import Protocol

__all__ = ["BusStats", "NoStats"]


class BusStats(Protocol):
    """Counters fed by servers and callers. Each argument has few values, so each may become a label."""

    def served(self, op: str, code: str, seconds: float) -> None:
        """A request was answered; `code` is `ok` or an error code."""

    def called(self, peer: str, op: str, code: str, seconds: float) -> None:
        """A call of ours ended."""

    def dropped(self, what: str) -> None:
        """A message could not be used or delivered: `bad_message`, `slow_peer`, `peer_gone`, `late_answer`."""

    def open_requests(self, endpoint: str, count: int) -> None:
        """Requests being served now at one endpoint; a process may have several."""


class NoStats:
    """Counts nothing."""

    def served(self, op: str, code: str, seconds: float) -> None: ...

    def called(self, peer: str, op: str, code: str, seconds: float) -> None: ...

    def dropped(self, what: str) -> None: ...

    def open_requests(self, endpoint: str, count: int) -> None: ...

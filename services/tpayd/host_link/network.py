"""The messages that a line sends on its own account."""

from __future__ import annotations

from itertools import cycle

from tpayd.hosts import Echo, HostAdapter, SignOff, SignOn
from tpayd.kit.clock import Clock

__all__ = ["NetworkMessages"]

_LAST_STAN = 999_999


class NetworkMessages:
    """Makes them, each with a number of its own. The station id keeps them apart from the terminals' messages."""

    def __init__(self, adapter: HostAdapter, station_id: str, clock: Clock) -> None:
        self._adapter = adapter
        self._station_id = station_id
        self._clock = clock
        self._numbers = cycle(range(1, _LAST_STAN + 1))

    def sign_on(self) -> bytes:
        return self._adapter.encode_network(SignOn(terminal_id=self._station_id, stan=self._stan(), local=self._now()))

    def sign_off(self) -> bytes:
        return self._adapter.encode_network(SignOff(terminal_id=self._station_id, stan=self._stan(), local=self._now()))

    def echo(self) -> bytes:
        return self._adapter.encode_network(Echo(terminal_id=self._station_id, stan=self._stan(), local=self._now()))

    def _stan(self) -> str:
        return f"{next(self._numbers):06d}"

    def _now(self) -> str:
        return self._clock.local().strftime("%Y%m%d%H%M%S")

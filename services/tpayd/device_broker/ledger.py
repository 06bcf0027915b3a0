"""What happened to each device since the process started: how often, and the last troubles."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from tpayd_contracts.device import Device, DeviceState
from tpayd_contracts.fleet import DeviceCount, DeviceTrouble
from tpayd_contracts.shapes import UnixMs

__all__ = ["Ledger"]

TROUBLES_KEPT = 10
_WELL = frozenset({DeviceState.READY, DeviceState.LEASED, DeviceState.STARTING})


@dataclass
class _Page:
    state: DeviceState | None = None
    since_ms: UnixMs = 0
    troubles: deque[DeviceTrouble] = field(default_factory=lambda: deque(maxlen=TROUBLES_KEPT))
    counts: Counter[str] = field(default_factory=Counter)


class Ledger:
    """A page for each device."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}

    def count(self, device: str, what: str) -> None:
        """It happened once more."""
        self._page(device).counts[what] += 1

    def stands(self, device: Device, at_ms: UnixMs) -> None:
        """A device stands so now."""
        page = self._page(device.name)
        if page.state is not device.state:
            page.state, page.since_ms = device.state, at_ms
        if device.state in _WELL or not device.detail:
            return
        if not page.troubles or page.troubles[0].text != device.detail:
            page.troubles.appendleft(DeviceTrouble(at_ms, device.detail))

    def forget(self, device: str) -> None:
        """It is no longer configured."""
        self._pages.pop(device, None)

    def since_ms(self, device: str) -> UnixMs:
        return self._page(device).since_ms

    def troubles(self, device: str) -> tuple[DeviceTrouble, ...]:
        return tuple(self._page(device).troubles)

    def counts(self, device: str) -> tuple[DeviceCount, ...]:
        return tuple(DeviceCount(what, count) for what, count in sorted(self._page(device).counts.items()))

    def _page(self, device: str) -> _Page:
        page = self._pages.get(device)
        if page is None:
            page = self._pages[device] = _Page()
        return page

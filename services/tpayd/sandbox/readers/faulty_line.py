"""What a bad line, or a broken reader, makes of a virtual reader's answers. Whatever the protocol."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

from tpayd_contracts.sandbox import LineFault

__all__ = ["FaultyLine"]

_NONE = LineFault.NONE
_DRIP_S = 0.4
_DRIP_BYTES_MAX = 4096
_ENDLESS_S = 0.05
_ENDLESS_BYTES = 64


class FaultyLine:
    """See the module. `opening` begins a frame that promises as much as a frame may have."""

    def __init__(self, send: Callable[[bytes], None], opening: bytes) -> None:
        self._send = send
        self._opening = opening
        self._loop = asyncio.get_running_loop()
        self._noise = random.Random(0)  # noqa: S311  # noise, not a secret
        self._drops: deque[int] = deque(maxlen=_DRIP_BYTES_MAX)
        self._timer: asyncio.TimerHandle | None = None
        self._fault = LineFault.NONE

    @property
    def fault(self) -> LineFault:
        return self._fault

    @fault.setter
    def fault(self, fault: LineFault) -> None:
        self._fault = fault
        self._drops.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if fault is LineFault.ENDLESS:
            self._send(self._opening)
            self._go_on()

    def say(self, data: bytes) -> None:
        if self._fault is _NONE:
            self._send(data)
            return
        match self._fault:
            case LineFault.GARBAGE:
                self._send(self._noise.randbytes(len(data)))
            case LineFault.DRIP:
                self._drops.extend(data)
                if self._timer is None:
                    self._drip()
            case LineFault.ENDLESS:
                pass

    def _drip(self) -> None:
        self._timer = None
        if self._drops:
            self._send(bytes([self._drops.popleft()]))
            self._timer = self._loop.call_later(_DRIP_S, self._drip)

    def _go_on(self) -> None:
        self._send(self._noise.randbytes(_ENDLESS_BYTES))
        self._timer = self._loop.call_later(_ENDLESS_S, self._go_on)

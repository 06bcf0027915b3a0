"""A service with nothing to do but to show the kit at work. Started by the tests as a process of its own.

Its settings tell it how to misbehave.
"""

from __future__ import annotations

import asyncio
import ctypes
import resource
import threading
import time

from tpayd.kit.house import House
from tpayd.kit.process import run
from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.health import Dependency, Readiness

_PR_GET_DUMPABLE = 3


class ProbeSettings(ServiceSettings, frozen=True):
    fault: str = ""
    """`start`: raise in start; `hang`: never end it; `drain`: never end that; `ticks`: end
    that after three rounds of periodic work; `log`: log an exception; `loop`: raise
    in a callback; `thread`: raise in a thread; `block`: block the loop for more than half a second."""
    fault_text: str = "planted"


class Probe:
    def __init__(self, house: House[ProbeSettings]) -> None:
        self._house = house
        self._ticked = asyncio.Semaphore(0)

    async def start(self) -> None:
        house = self._house
        marker = house.instance.data / "probe.started"
        with marker.open("a") as file:
            file.write("x")
        core_limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        dumpable = ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
        (house.instance.data / "probe.facts").write_text(
            f"core_limit={core_limit} dumpable={dumpable} file_mode={marker.stat().st_mode & 0o777:o}"
        )
        match house.settings.fault:
            case "start":
                raise RuntimeError(house.settings.fault_text)
            case "log":
                try:
                    self._fail()
                except RuntimeError:
                    house.log.exception("probe.failed", card=house.settings.fault_text)
            case "hang":
                await asyncio.Event().wait()
            case "loop":
                asyncio.get_running_loop().call_soon(self._fail)
            case "thread":
                threading.Thread(target=self._fail).start()
            case "ticks":
                house.call_every(0.1, self._tick)
            case "block":
                house.call_every(1.5, lambda: time.sleep(0.6))

    def _tick(self) -> None:
        self._ticked.release()

    def _fail(self) -> None:
        raise RuntimeError(self._house.settings.fault_text)

    async def drain(self) -> None:
        if self._house.settings.fault == "drain":
            await asyncio.Event().wait()
        if self._house.settings.fault == "ticks":
            self._ticked = asyncio.Semaphore(0)
            for _ in range(3):
                await self._ticked.acquire()
        (self._house.instance.data / "probe.drained").touch()

    async def stop(self) -> None:
        (self._house.instance.data / "probe.stopped").touch()

    def readiness(self) -> tuple[Readiness, tuple[Dependency, ...]]:
        return Readiness.READY, ()


if __name__ == "__main__":
    run("host_link", ProbeSettings, Probe)

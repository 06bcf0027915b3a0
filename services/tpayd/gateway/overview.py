"""store.status: the health of every process, asked for at once and within a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tpayd.kit.bus import Caller, CallError, Request
from tpayd_contracts.gateway import StoreStatus
from tpayd_contracts.graph import OPERATIONS
from tpayd_contracts.health import HEALTH, Health
from tpayd_contracts.operation import Empty
from tpayd_contracts.settings import ClientOptions

__all__ = ["Overview"]


class Overview:
    """Asks the services that it is given."""

    def __init__(self, callers: Mapping[str, Caller], wait_s: float, options: Callable[[], ClientOptions]) -> None:
        self._callers = callers
        self._wait_s = wait_s
        self._options = options

    async def status(self, _request: Request, _body: Empty) -> StoreStatus:
        """Serve store.status. A process that does not answer in time is `missing`."""
        answers = await asyncio.gather(*(self._health(caller) for caller in self._callers.values()))
        found = dict(zip(self._callers, answers, strict=True))
        return StoreStatus(
            services=tuple(health for health in answers if health is not None),
            missing=tuple(name for name, health in found.items() if health is None and name not in OPERATIONS),
            options=self._options(),
            operations_missing=tuple(name for name in OPERATIONS if name in found and found[name] is None),
        )

    async def _health(self, caller: Caller) -> Health | None:
        try:
            return await caller.call(HEALTH, Empty(), ttl_s=self._wait_s)
        except CallError:
            return None

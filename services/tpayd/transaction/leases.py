"""The leases that this process holds: renewed together until given back."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus import Caller, CallError, Sink
from tpayd.kit.bus.wire import encode_body
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.device import LEASE_RELEASE, LEASE_RENEW, LEASE_RESET, Lease, LeaseRef, RenewLeases
from tpayd_contracts.operation import Empty

__all__ = ["Leases"]

_RELEASE_WAIT_S = 5.0


class Leases:
    """Who holds a lease only has to say so; an unrenewed one expires at the broker."""

    def __init__(self, broker: Caller, clock: Clock, log: Log) -> None:
        self._broker = broker
        self._clock = clock
        self._log = log
        self._held: dict[str, LeaseRef] = {}
        self._releasing: set[str] = set()
        self._none_left = asyncio.Event()
        self._none_left.set()
        self._reset = False
        self._resetting = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, lease: Lease) -> None:
        self._held[lease.lease_id] = LeaseRef(lease.lease_id, lease.fence)

    def give_back(self, lease: Lease) -> None:
        """Release without waiting: the POS need not wait for a reader's clean-up."""
        self._held.pop(lease.lease_id, None)
        self._releasing.add(lease.lease_id)
        self._none_left.clear()
        body = encode_body(LeaseRef(lease.lease_id, lease.fence))
        sink = Sink(lambda _: self._released(lease), lambda error: self._released(lease, error))
        deadline_ms = self._clock.boottime_ms() + int(_RELEASE_WAIT_S * 1000)
        try:
            self._broker.forward(LEASE_RELEASE.name, body, deadline_ms=deadline_ms, sink=sink)
        except CallError as error:
            self._released(lease, error)

    async def renew(self) -> None:
        """Called every few seconds. A lease that is lost shows itself at its next use."""
        if not self._held or not self._broker.connected:
            return
        try:
            renewed = await self._broker.call(LEASE_RENEW, RenewLeases(tuple(self._held.values())))
        except CallError as error:
            self._log.warning("leases.not_renewed", why=error.message)
            return
        for lost in renewed.lost:
            if self._held.pop(lost.lease_id, None) is not None:
                self._log.warning("leases.lost", lease=lost.lease_id)

    async def reset_once(self) -> None:
        """Tell the broker, before the first lease is asked for, that those of a former process are nobody's."""
        if self._reset:
            return
        async with self._resetting:
            if self._reset or not self._broker.connected:
                return
            try:
                await self._broker.call(LEASE_RESET, Empty(), ttl_s=_RELEASE_WAIT_S)
            except CallError as error:
                self._log.warning("leases.not_reset", why=error.message)
            else:
                self._reset = True

    async def drained(self) -> None:
        """Wait for releases under way; each ends within its own limit."""
        await self._none_left.wait()

    def _released(self, lease: Lease, error: CallError | None = None) -> None:
        if error is not None:
            # It expires by itself; nothing depends on this message.
            self._log.info("leases.not_released", lease=lease.lease_id, why=error.message)
        self._releasing.discard(lease.lease_id)
        if not self._releasing:
            self._none_left.set()

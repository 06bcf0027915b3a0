"""The leases that this process holds: renewed together until given back."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus import Caller, CallError
from tpayd.kit.logs import Log
from tpayd_contracts.device import LEASE_RELEASE, LEASE_RENEW, LEASE_RESET, Lease, LeaseRef, RenewLeases
from tpayd_contracts.operation import Empty

__all__ = ["RESET_WAIT_S", "Leases"]

RESET_WAIT_S = 5.0


class Leases:
    """Who holds a lease only has to say so; an unrenewed one expires at the broker."""

    def __init__(self, broker: Caller, log: Log) -> None:
        self._broker = broker
        self._log = log
        self._held: dict[str, LeaseRef] = {}
        self.are_reset = False
        """Whether the broker knows that those of a former process are nobody's."""
        self._resetting = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, lease: Lease) -> None:
        self._held[lease.lease_id] = LeaseRef(lease.lease_id, lease.fence)

    def give_back(self, lease: Lease) -> None:
        """Release without an answer: nothing depends on it, since an unrenewed lease expires by itself."""
        held = self._held.pop(lease.lease_id, None)
        try:
            self._broker.notify(LEASE_RELEASE, held or LeaseRef(lease.lease_id, lease.fence))
        except CallError as error:
            self._log.info("leases.not_released", lease=lease.lease_id, why=error.message)

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
        if self.are_reset:
            return
        async with self._resetting:
            if self.are_reset or not self._broker.connected:
                return
            try:
                await self._broker.call(LEASE_RESET, Empty(), ttl_s=RESET_WAIT_S)
            except CallError as error:
                self._log.warning("leases.not_reset", why=error.message)
            else:
                self.are_reset = True

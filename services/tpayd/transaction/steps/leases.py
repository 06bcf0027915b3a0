"""The leases that this process holds: renewed together until given back."""

from __future__ import annotations

import asyncio

from tpayd.kit.bus import Caller, CallError
from tpayd.kit.bus.turn import turn_of
from tpayd.kit.logs import Log
from tpayd_contracts.device import LEASE_RELEASE, LEASE_RENEW, LEASE_RESET, Lease, LeaseRef, ReleaseLeases, RenewLeases
from tpayd_contracts.operation import Empty

__all__ = ["RESET_WAIT_S", "Leases"]

RESET_WAIT_S = 5.0
_RENEWALS = 2
"""In the life of a lease, at least: one of them may be late."""


class Leases:
    """Who holds a lease only has to say so; an unrenewed one expires at the broker."""

    def __init__(self, broker: Caller, log: Log, renew_s: float) -> None:
        """`renew` is called every `renew_s` seconds."""
        self._broker = broker
        self._renew_s = renew_s
        self._warned = False
        self._log = log
        self._held: dict[str, LeaseRef] = {}
        self._given_back: list[LeaseRef] = []
        self._turn = turn_of(asyncio.get_running_loop())
        self.are_reset = False
        """Whether the broker knows that those of a former process are nobody's."""
        self._resetting = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, lease: Lease) -> None:
        if lease.ttl_s < _RENEWALS * self._renew_s and not self._warned:
            self._warned = True
            self._log.error(
                "leases.renewed_too_rarely", lease_renew_s=self._renew_s, lease_ttl_s=lease.ttl_s,
                then="a reader may be taken from a payment under way: lower lease_renew_s (config/transaction.toml) "
                "to half of lease_ttl_s (config/device_broker.toml), or raise that",
            )  # fmt: skip
        self._held[lease.lease_id] = LeaseRef(lease.lease_id, lease.fence)

    def give_back(self, lease: Lease) -> None:
        """Release without an answer: nothing depends on it, since an unrenewed lease expires by itself.

        Those of one turn of the loop are told in one message: of a message alone the broker has more work than of what
        is in it.
        """
        held = self._held.pop(lease.lease_id, None)
        if not self._given_back:
            self._turn.before_end(self._release)
        self._given_back.append(held or LeaseRef(lease.lease_id, lease.fence))

    def _release(self) -> None:
        given_back, self._given_back = self._given_back, []
        try:
            self._broker.notify(LEASE_RELEASE, ReleaseLeases(tuple(given_back)))
        except CallError as error:
            leases = [lease.lease_id for lease in given_back]
            self._log.info("leases.not_released", leases=leases, why=error.message)

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

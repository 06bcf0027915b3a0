"""Keys that are due are exchanged by themselves: at a quiet hour, one at a time, readers only while they are idle.

The first key of each terminal and reader is exchanged by hand: a person has compared its check value. What fails is
tried again in the same hours, after a wait that doubles and that chance spreads, so that the readers of many stores do
not come back to the host together; what has not worked by the end of them is tried the next night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from tpayd.key_manager.exchange_desk import GAVE_WAY, ExchangeDesk
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.reader_standing import ReaderStanding
from tpayd.key_manager.records import KeyRecord
from tpayd.key_manager.trusted_time import DAY_MS
from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.device import DeviceState
from tpayd_contracts.keys import KeyState, KeyUsage

__all__ = ["Hours", "Renewal", "due_keys"]

_DAY_MIN = 1440
_RETRY_MIN_MS = 120_000
_RETRY_MAX_MS = 3_600_000


class Hours(Struct, frozen=True):
    """When the shop is quiet."""

    at: str
    """hh:mm."""
    for_min: int

    def hold(self, local: datetime) -> bool:
        """Whether it is quiet at this local time."""
        hour, _, minute = self.at.partition(":")
        since_min = (local.hour * 60 + local.minute - int(hour) * 60 - int(minute)) % _DAY_MIN
        return since_min < self.for_min


def due_keys(keys: Iterable[KeyRecord], profile: str, now_ms: int, before_days: int) -> list[KeyRecord]:
    """The keys in force that expire within so many days, or have: the first to expire first."""
    until_ms = now_ms + before_days * DAY_MS
    found = [
        key
        for key in keys
        if key.profile == profile
        and key.state in (KeyState.ACTIVE, KeyState.EXPIRED)
        and (key.expires_at_ms or 0) <= until_ms
    ]
    return sorted(found, key=lambda key: key.expires_at_ms or 0)


class Renewal:
    """See the module."""

    def __init__(
        self,
        *,
        desk: ExchangeDesk,
        standing: ReaderStanding,
        keyring: Keyring,
        profile: str,
        terminals: frozenset[str],
        before_days: int,
        hours: Hours,
        clock: Clock,
        now_ms: Callable[[], int],
        chance: Callable[[], float],
        log: Log,
    ) -> None:
        """`chance`: a number of [0, 1); `terminals`: those of this store's lanes."""
        self._desk = desk
        self._standing = standing
        self._keyring = keyring
        self._profile = profile
        self._terminals = terminals
        self._before_days = before_days
        self._hours = hours
        self._clock = clock
        self._now_ms = now_ms
        self._chance = chance
        self._log = log
        self._tries: dict[str, int] = {}
        self._not_before_ms: dict[str, int] = {}

    async def look(self) -> None:
        """Exchange what is due and can be exchanged now, one after the other. To be called about once a minute."""
        if not self._before_days or self._keyring.frozen is not None or not self._hours.hold(self._clock.local()):
            self._tries.clear()
            self._not_before_ms.clear()
            return
        for key in due_keys(self._keyring, self._profile, self._now_ms(), self._before_days):
            if self._clock.boottime_ms() >= self._not_before_ms.get(key.owner, 0):
                await self._renew(key)

    async def _renew(self, key: KeyRecord) -> None:
        try:
            if key.usage is KeyUsage.TERMINAL_MAC:
                if key.owner not in self._terminals:
                    return
                await self._desk.terminal(key.owner, _nobody, automatic=True)
            else:
                device = self._standing.device_of(key.owner)
                if device is None or device.state is not DeviceState.READY:
                    return
                await self._desk.reader(device.name, _nobody, automatic=True)
        except CallError as error:
            self._later(key.owner, soon=error.code in GAVE_WAY)
            self._log.info("renewal.later", owner=key.owner, code=error.code.value, why=error.message)
        else:
            self._tries.pop(key.owner, None)

    def _later(self, owner: str, *, soon: bool) -> None:
        tries = 0 if soon else self._tries.get(owner, 0)
        self._tries[owner] = tries + 1
        wait_ms = min(_RETRY_MAX_MS, _RETRY_MIN_MS << min(tries, 8))
        self._not_before_ms[owner] = self._clock.boottime_ms() + round(wait_ms * (0.5 + self._chance()))


def _nobody(_step: str, _text: str) -> None:
    """Nobody watches an exchange that nobody ordered; its end is told by an event."""

"""pool.status, device.maintenance, and the pools' events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from tpayd.device_broker import errors, figures
from tpayd.device_broker.leases import NO_GROUP, GroupStanding
from tpayd.device_broker.lending import Lending
from tpayd.device_broker.maintenance import Closed, MaintenanceFile, bars_of
from tpayd.device_broker.pool import Pool
from tpayd.device_broker.standing import Standing
from tpayd.kit.bus import CallError, Request
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.device import BarCause, BarReaders, Device, DeviceState
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.pooling import (
    LaneTurns,
    Maintenance,
    PoolEvent,
    PoolFigures,
    PoolQuery,
    PoolStanding,
    PoolStatus,
)

__all__ = ["PoolDesk"]

OWN = ""
"""Stands for the lanes' own readers, all together."""
OWN_LABEL = "lanes' own"


class PoolDesk:
    """See the module. `labels` gives every pool and what people call it."""

    def __init__(
        self,
        pool: Pool,
        lending: Lending,
        standing: Standing,
        labels: Callable[[], Mapping[str, str]],
        file: MaintenanceFile,
        clock: Clock,
        log: Log,
        tell: Callable[[PoolEvent], None],
    ) -> None:
        self._pool = pool
        self._lending = lending
        self._standing = standing
        self._labels = labels
        self._file = file
        self._clock = clock
        self._log = log
        self._tell = tell
        self.given_back: list[Callable[[str], object]] = []
        """Who hears that a person gives a reader back to payments, whatever kept it from them."""
        self._told: tuple[PoolStanding, ...] = ()
        self._closed: dict[str, Closed] = {}
        self._writing = asyncio.Lock()

    def start(self) -> None:
        """Keep from payments what was so before. A file that cannot be read keeps nobody from selling."""
        try:
            self._closed = {closed.device: closed for closed in self._file.read()}
        except (OSError, ValueError) as error:
            self._log.error(
                "maintenance.unreadable", file=str(self._file.path), why=str(error),
                then="every reader is in use: put those in maintenance again that have to be",
            )  # fmt: skip
        self._bar()

    # Maintenance

    async def maintenance(self, _: Request, body: Maintenance) -> Device:
        """Keep a reader from payments, or give it back; on disk before it is answered."""
        if body.device not in self._standing:
            raise errors.not_configured(body.device)
        async with self._writing:
            wanted = dict(self._closed)
            before = wanted.pop(body.device, None)
            if body.on:
                since_ms = self._clock.unix_ms() if before is None else before.since_ms
                wanted[body.device] = Closed(body.device, since_ms, body.reason)
            if wanted != self._closed:
                await self._save(wanted)
                self._closed = wanted
                self._log.info("maintenance.changed", device=body.device, on=body.on, reason=body.reason)
                self._bar()
            if not body.on:
                for hear in self.given_back:
                    hear(body.device)
        return self._standing.device(body.device)

    async def _save(self, wanted: Mapping[str, Closed]) -> None:
        try:
            await asyncio.to_thread(self._file.write, list(wanted.values()))
        except OSError as error:
            text = f"{self._file.path} cannot be written: {error}; nothing was changed"
            raise CallError(ErrorCode.STORAGE_FAILED, text, outcome=Outcome.FAILED, retryable=True) from error

    def _bar(self) -> None:
        bars = bars_of(self._closed.values(), self._clock.local().tzinfo)
        self._lending.bar(BarReaders(BarCause.MAINTENANCE, bars))

    # The pools

    def status(self, _: Request, body: PoolQuery) -> PoolStatus:
        """How the pools stand, and how fair they have been."""
        labels = self._labels()
        if body.pool is not None and body.pool not in labels:
            raise errors.no_such_pool(body.pool, labels)

        def asked(group: str) -> bool:
            return body.pool is None or group == body.pool

        now_us = self._clock.monotonic_us()
        stands = self._pool.figures.stands(now_us, asked)
        shares = figures.shares(stands)
        groups = self._pool.groups()
        pools = tuple(
            self._figures(standing, groups, [stand for stand in stands if _pool_of(stand.group) == standing.name])
            for standing in self._standings(groups)
            if asked(standing.name)
        )
        lanes = tuple(
            LaneTurns(
                share.lane, share.turns, share.given_up, share.passed_by,
                share.wait_median_us // 1000, share.wait_longest_us // 1000,
            )
            for share in shares
        )  # fmt: skip
        return PoolStatus(
            pools, lanes, figures.WINDOW_US // 1000, self._pool.queue_length,
            figures.fairness(shares), figures.most_overtaken(stands),
        )  # fmt: skip

    def publish(self) -> None:
        """Tell what has changed; to be called about once a second."""
        now = self._standings(self._pool.groups())
        if now != self._told:
            self._told = now
            self._tell(PoolEvent(now, self._clock.unix_ms()))

    def _standings(self, groups: list[GroupStanding]) -> tuple[PoolStanding, ...]:
        by_name: dict[str, list[GroupStanding]] = {name: [] for name in self._labels()}
        for group in groups:
            if group.group == NO_GROUP:
                continue
            by_name.setdefault(_pool_of(group.group), []).append(group)
        labels = {OWN: OWN_LABEL, **self._labels()}
        return tuple(_standing(name, labels.get(name, name), found) for name, found in by_name.items())

    def _figures(self, standing: PoolStanding, groups: list[GroupStanding], stands: list[figures.Stand]) -> PoolFigures:
        waited = figures.waits(stands)
        means = [
            group.lease_mean_us
            for group in groups
            if _pool_of(group.group) == standing.name and group.lease_mean_us is not None
        ]
        served = sum(stand.served for stand in stands)
        return PoolFigures(
            standing=standing, lease_mean_ms=sum(means) // len(means) // 1000 if means else None,
            turns=served, given_up=len(stands) - served, wait_median_ms=waited.median_us // 1000,
            wait_p95_ms=waited.p95_us // 1000, wait_longest_ms=waited.longest_us // 1000,
            fairness=figures.fairness(figures.shares(stands)), most_overtaken=figures.most_overtaken(stands),
        )  # fmt: skip


def _pool_of(group: str) -> str:
    """Groups that are no pool are a lane's own."""
    return OWN if ":" in group else group


def _standing(name: str, label: str, groups: list[GroupStanding]) -> PoolStanding:
    def count(*states: DeviceState) -> int:
        return sum(group.states.get(state, 0) for group in groups for state in states)

    return PoolStanding(
        name, label, ready=count(DeviceState.READY), leased=count(DeviceState.LEASED),
        away=count(DeviceState.ABSENT, DeviceState.STARTING, DeviceState.QUARANTINE),
        barred=sum(group.barred for group in groups), queue=sum(group.queue for group in groups),
    )  # fmt: skip

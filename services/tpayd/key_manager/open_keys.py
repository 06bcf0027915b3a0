"""The opened key store at work: keys, counters, time and MACs, and a regular look at what has expired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from msgspec import structs

from tpayd.key_manager.audit import shown_head
from tpayd.key_manager.errors import NoUsableKeyError, StoreError
from tpayd.key_manager.events import KeyEvents
from tpayd.key_manager.expiry import warning_due
from tpayd.key_manager.gauges import KeyGauges
from tpayd.key_manager.host_times import HostTimes
from tpayd.key_manager.keyring import Keyring
from tpayd.key_manager.macs import Macs
from tpayd.key_manager.reserving import Reserving
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.key_manager.store import KeyStore, Loaded, Step
from tpayd.key_manager.ticks import ExchangeNumber, Ticker, Ticks
from tpayd.key_manager.trusted_time import DAY_MS
from tpayd.key_manager.vault import Vault
from tpayd.kit.house import House
from tpayd_contracts.health import Dependency
from tpayd_contracts.keys import TOPIC_KEY, KeyUsage

__all__ = ["OpenKeys"]

DATED_WELL_MS = 60_000
"""Dates that are wrong by less are left as they are."""
_SHOWN_NAMES = 5


class OpenKeys:
    """All that a running key manager has. Everything runs in the event loop, but the disk's writes."""

    def __init__(
        self, house: House[KeyManagerSettings], store: KeyStore, loaded: Loaded, disk: ThreadPoolExecutor,
        gauges: KeyGauges, host_times: HostTimes, on_reserved: Callable[[StoreError | None], None],
    ) -> None:  # fmt: skip
        """`on_reserved`: counters were reserved, or why they were not; who had none may ask again."""
        self._house = house
        self.host_times = host_times
        self._signed_ms = 0
        self._settings = house.settings
        self._store = store
        self._disk = disk
        self._gauges = gauges
        self.audit_problem = loaded.audit.problem
        frozen = f"the audit chain of the key store is broken: {self.audit_problem}" if self.audit_problem else None
        self.ticker = Ticker(house.clock, loaded.ticks)
        self.keyring = Keyring(loaded.records, frozen)
        self.events = KeyEvents(lambda event: house.publisher.publish(TOPIC_KEY, event), house.log, self.ticker.now_ms)
        self._counters = Reserving(loaded.counters, store, disk, house.log, on_reserved).counters
        self.macs = Macs(self.keyring, self._counters, self.ticker.now_ms)
        self.vault = Vault(
            store, self.keyring, self._counters, disk, self.ticker.now_ms, self._on_change, loaded.damaged
        )
        gauges.show_store(loaded.audit.count, holds=loaded.audit.holds, damaged=len(loaded.damaged))

    async def begin(self) -> None:
        """Finish what a crash interrupted. Raises StoreError."""
        log = self._house.log
        # Asked for at once: on disk before the first sale.
        self._counters.use(
            key.key_id
            for key in self.keyring.in_force(self._house.store.host_profile)
            if key.usage is KeyUsage.TERMINAL_MAC
        )
        if self.vault.damaged:
            log.error("key_store.damaged", records=list(self.vault.damaged))
        if self.audit_problem is not None:
            log.error("audit.broken", problem=self.audit_problem)
            return
        await self.vault.note("started", self._house.version)
        await self.vault.recover(self.life_ms)

    async def sweep(self) -> None:
        """Move and keep the time, expire, warn, delete, and show how it stands. Raises StoreError.

        Not before the first period is over: what is told once should find those who listen connected again.
        """
        await self._follow_host()
        self._follow_metadata()
        ticks = self.ticker.due()
        if ticks is not None:
            await self._keep(ticks)
        if self.audit_problem is None:
            for key in await self.vault.expire_due():
                self.events.expired(key)
            await self._warn()
            await self.vault.purge_retired(self._settings.keep_retired_days * DAY_MS)
        self.show()

    async def keep_time(self) -> None:
        """Keep the time as it is, before the process ends. Raises StoreError."""
        await self._follow_host()
        await self._keep(self.ticker.latest())

    async def next_exchange(self) -> ExchangeNumber:
        """Numbers for a key exchange, on disk when this returns. Raises StoreError."""
        return await self.ticker.next_exchange(self._write)

    def metadata_said(self, signed_ms: int) -> None:
        """Metadata whose signature was right is dated so; the next sweep reads it."""
        self._signed_ms = max(self._signed_ms, signed_ms)

    def show(self) -> None:
        """Bring the metrics up to date."""
        self._gauges.show_keys(self.keyring, self.ticker.now_ms())
        self._gauges.show_time(self.ticker.time)

    @property
    def life_ms(self) -> int:
        """How long a key lives from its activation."""
        return self._settings.key_life_days * DAY_MS

    def dependencies(self) -> tuple[Dependency, ...]:
        """What new payments need: a valid key for each lane's terminal, a whole store, an audit chain that holds."""
        damaged = self.vault.damaged
        without = tuple(
            lane.terminal_id for lane in self._house.store.lanes if not self._terminal_is_valid(lane.terminal_id)
        )
        missing = f"{_named('no valid key: ', without)}: `tpayd keys exchange --all`" if without else ""
        return (
            Dependency("terminal_keys", not without, missing or self._ending()),
            Dependency("key_store", not damaged, _named("records lost, exchange these keys: ", damaged)),
            Dependency("audit", self.audit_problem is None, self.audit_problem or ""),
        )

    async def _warn(self) -> None:
        profile = self._house.store.host_profile
        for key in self.keyring:
            days = warning_due(key, self.ticker.now_ms(), self._settings.warn_days)
            if days is not None and key.profile == profile:
                await self.vault.warned(key.key_id, days)
                self.events.expires_soon(key)

    async def _follow_host(self) -> None:
        time, said = self.ticker.time, self.host_times.taken()
        moved = None if said is None else time.host_said(*said)
        if moved is None:
            return
        if moved.first and abs(moved.by_ms) > DATED_WELL_MS and self.audit_problem is None:
            ticks = structs.replace(self.ticker.latest(), floor_ms=time.now_ms() + moved.by_ms, from_host=True)
            await self.vault.move_dates(moved.by_ms, ticks, lambda: time.move(moved))
            self.ticker.kept(ticks)
        else:
            time.move(moved)
        if moved.first or abs(moved.by_ms) > DAY_MS:
            self._house.log.warning("time.moved", by_s=moved.by_ms // 1000, first=moved.first)

    def _follow_metadata(self) -> None:
        time, signed_ms, self._signed_ms = self.ticker.time, self._signed_ms, 0
        moved = time.metadata_said(signed_ms)
        if moved is not None:
            time.move(moved)
            self._house.log.info("time.moved", by_s=moved.by_ms // 1000, by="metadata")

    async def _keep(self, ticks: Ticks) -> None:
        await self._write(ticks)
        self.ticker.kept(ticks)

    async def _write(self, ticks: Ticks) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, self._store.write_ticks, ticks)

    def _terminal_is_valid(self, terminal_id: str) -> bool:
        try:
            self.keyring.for_new_payment(self._house.store.host_profile, terminal_id, None, self.ticker.now_ms())
        except NoUsableKeyError:
            return False
        return True

    def _ending(self) -> str:
        before_ms = self.ticker.now_ms() + max(self._settings.warn_days, default=0) * DAY_MS
        profile = self._house.store.host_profile
        ending = tuple(key.owner for key in self.keyring.in_force(profile) if (key.expires_at_ms or 0) <= before_ms)
        return f"{_named('expires soon, or has: ', ending)}: `tpayd keys exchange --all`" if ending else ""

    def _on_change(self, step: Step, entries: int) -> None:
        """A step is on disk. The head goes to the log, which leaves the machine: see `audit`."""
        if step.key_id and step.record is None:
            self.macs.forget(step.key_id)
            self._counters.forget(step.key_id)
        self._gauges.show_store(entries, holds=True, damaged=len(self.vault.damaged))
        self._house.log.info(
            "audit.added", happened=str(step.event), key_id=step.key_id or None, detail=step.detail or None,
            entries=entries, head=shown_head(self._store.head), store=self._store.name,
        )  # fmt: skip


def _named(what: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return what + ", ".join(names[:_SHOWN_NAMES]) + more

"""When the installation is checked, who asks for it, and what follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tpayd.integrity.checking import Checked, Fault, FaultKind
from tpayd.integrity.trust import trust_file
from tpayd.key_manager.integrity.book import Results, read_results, write_results
from tpayd.key_manager.integrity.files import FileWatch
from tpayd.key_manager.integrity.gate import Gate
from tpayd.key_manager.integrity.readers import ReaderTests
from tpayd.key_manager.integrity.reporting import bounded, page_of_readers
from tpayd.key_manager.integrity.schedule import Daily
from tpayd.key_manager.settings import KeyManagerSettings
from tpayd.kit.bus import Request
from tpayd.kit.house import House
from tpayd.kit.settings import SettingsError
from tpayd_contracts.device import TOPIC_DEVICE
from tpayd_contracts.health import Dependency
from tpayd_contracts.integrity import (
    FINDINGS_SHOWN,
    INTEGRITY_CHECK,
    INTEGRITY_STATUS,
    TOPIC_INTEGRITY,
    CheckIntegrity,
    CheckScope,
    Finding,
    FindingKind,
    IntegrityEvent,
    IntegrityProgress,
    IntegrityQuery,
    IntegrityReport,
    IntegrityResult,
    IntegrityState,
)

__all__ = ["IntegrityDesk"]

CHECK_LIMIT_S = 60.0
RETRY_S = 30.0
"""After a check that could not be made: a machine under load, a file being replaced."""
_LOOK_S = 20.0
_READERS_S = 3.0
"""How late a reader's own start is written down."""
_NICE = {"start": 0, "retry": 0}
"""What payments wait for runs as they do; all other checks run beside them."""
_NICE_ELSE = 15
_OFF = "OFF: nobody checks the installed files (config/key_manager.toml: integrity)"
_TEXT_MAX = 512


class IntegrityDesk:
    """See the package."""

    def __init__(self, house: House[KeyManagerSettings]) -> None:
        """Raises SettingsError where it is switched off in a store that is no sandbox."""
        self._house = house
        self._settings = house.settings
        self.gate = Gate(house.log)
        self._off = house.settings.integrity == "off"
        if self._off and not house.store.sandbox:
            file = house.instance.settings_file(house.name)
            raise SettingsError(
                file, "integrity", '"off" is for a sandbox alone: a live store takes no payment unchecked'
            )
        self._path = house.instance.data_of(house.name) / "integrity.json"
        self._results = Results()
        self._checked: Checked | None = None
        self._files = FileWatch(trust_file(house.instance.config), CHECK_LIMIT_S)
        self._turn = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._daily = Daily.of(house.settings.integrity_at, house.clock.local())
        self._retry_ms: int | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers = ReaderTests(house.caller("device_broker"), self._keep, house.log)
        metrics = house.metrics
        metrics.gauge("integrity_ok", "1 while new payments may start, as far as the installed files go").set_function(
            lambda: self.gate.state in (IntegrityState.OK, IntegrityState.OFF)
        )
        self._last = metrics.gauge("integrity_checked_timestamp_seconds", "When the files were last checked")
        metrics.gauge("integrity_readers_failed", "Readers whose last self-test failed").set_function(
            lambda: sum(not result.passed for result in self._results.last_of_readers())
        )
        self._took = metrics.gauge("integrity_check_seconds", "What the last check of the files took")

    def start(self) -> None:
        """Begin with the first check; returns at once."""
        server = self._house.server
        server.handle(INTEGRITY_CHECK, self._check)
        server.handle(INTEGRITY_STATUS, self._status)
        try:
            self._results = read_results(self._path)
        except (OSError, ValueError) as error:
            self._house.log.warning("integrity.results_lost", why=str(error))
        if self._off:
            self._house.log.warning("integrity.off", what=_OFF)
            self.gate.put(IntegrityState.OFF, _OFF)
        else:
            self._begin("start")
        house = self._house
        house.subscribe("device_broker", (TOPIC_DEVICE,), self._readers.changed, self._readers.missed)
        house.call_every(_LOOK_S, self._look)
        house.call_every(_READERS_S, self._look_at_readers)

    def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        self._files.close()

    def dependency(self) -> Dependency:
        """For health."""
        state = self.gate.state
        text = "the first check is under way" if state is IntegrityState.CHECKING else self.gate.why
        return Dependency("integrity", state in (IntegrityState.OK, IntegrityState.OFF), text)

    # When

    def _look(self) -> None:
        if self._retry_ms is not None and self._house.clock.boottime_ms() >= self._retry_ms:
            self._retry_ms = None
            self._begin("retry")
        elif self._daily.due(self._house.clock.local()):
            if not self._off:
                self._begin("daily")
            self._readers.begin_daily()

    async def _look_at_readers(self) -> None:
        names = await self._readers.look()
        if names is not None:
            self._results = self._results.without_others(names)
        await self._readers.go_on_daily()

    def _begin(self, by: str) -> None:
        task = asyncio.get_running_loop().create_task(self._check_files(by, lambda _done, _of: None))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._house.log.error("integrity.check_failed", exc_info=error)
            self._retry_ms = self._house.clock.boottime_ms() + int(RETRY_S * 1000)

    # Who asks

    async def _check(self, request: Request, body: CheckIntegrity) -> IntegrityReport:
        by = request.principal or request.caller

        def tell(done: int, of: int) -> None:
            request.progress(IntegrityProgress("comparing the installed files", done, of))

        if body.scope is not CheckScope.READERS and not self._off:
            await self._check_files(by, tell)
        if body.scope is not CheckScope.FILES:
            names = None if body.device is None else (body.device,)
            await self._readers.by_hand(names, by, lambda *told: request.progress(IntegrityProgress(*told)))
        return self._report(body.device, None)

    def _status(self, _: Request, body: IntegrityQuery) -> IntegrityReport:
        return self._report(body.device, body.after)

    def _report(self, device: str | None, after: str | None) -> IntegrityReport:
        kept, more = self._results, None
        if device is None:
            readers, more = page_of_readers(kept.readers, after)
        else:
            readers = bounded(kept.readers.get(device, ()))
        files = bounded(kept.files) if after is None else ()
        checked, local = self._checked, self._house.clock.local()
        return IntegrityReport(
            state=self.gate.state, detail=self.gate.why, results=files, readers=readers,
            signers=checked.signers if checked else (), version=checked.version if checked else "",
            next_check_ms=None if self._off else int(self._daily.next(local).timestamp() * 1000),
            next=more,
        )  # fmt: skip

    # What follows

    async def _check_files(self, by: str, tell: Callable[[int, int], None]) -> None:
        async with self._turn:
            began_us = self._house.clock.monotonic_us()
            checked = await self._files.check(_NICE.get(by, _NICE_ELSE), tell)
            took_ms = (self._house.clock.monotonic_us() - began_us) // 1000
            self._checked = checked
            self._retry_ms = None
            if any(fault.kind is FaultKind.NOT_CHECKED for fault in checked.faults):
                self._retry_ms = self._house.clock.boottime_ms() + int(RETRY_S * 1000)
            if checked.passed:
                self.gate.put(IntegrityState.OK)
            else:
                self.gate.put(IntegrityState.FAILED, _summary(checked))
            self._last.set(self._house.clock.unix_ms() / 1000)
            self._took.set(took_ms / 1000)
            result = IntegrityResult(
                at_ms=self._house.clock.unix_ms(), by=by[:64], passed=checked.passed,
                findings=tuple(_finding(fault) for fault in checked.faults[:FINDINGS_SHOWN]),
                found=checked.found, files=checked.files, took_ms=took_ms,
            )  # fmt: skip
            await self._keep(result)

    async def _keep(self, result: IntegrityResult) -> None:
        """Write it down, log it, tell it."""
        self._results = self._results.put(result)
        house = self._house
        subject = {"reader": result.device} if result.device else {"files": result.files}
        if result.passed:
            house.log.info("integrity.passed", by=result.by, took_ms=result.took_ms, **subject)
        else:
            house.log.error(
                "integrity.failed", alarm=True, by=result.by, found=result.found,
                findings=[finding.text for finding in result.findings[:5]], **subject,
            )  # fmt: skip
        house.publisher.publish(TOPIC_INTEGRITY, IntegrityEvent(self.gate.state, *bounded((result,))))
        async with self._writing:
            try:
                await asyncio.to_thread(write_results, self._path, self._results)
            except OSError as error:
                house.log.warning("integrity.result_not_kept", why=str(error))


def _finding(fault: Fault) -> Finding:
    return Finding(FindingKind(fault.kind.value), fault.text[:_TEXT_MAX], fault.path[:_TEXT_MAX])


def _summary(checked: Checked) -> str:
    more = f", and {checked.found - 1} more findings" if checked.found > 1 else ""
    return checked.faults[0].text[:_TEXT_MAX] + more

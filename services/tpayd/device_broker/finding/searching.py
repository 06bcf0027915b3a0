"""A search for devices at work: ports side by side, in bounded time, one search at once.

Ports that configured devices have open are reported and not touched. Those of configured devices that are not there
are asked as well, since a wrong speed or driver is what one searches for; the device keeps its hands off meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from pathlib import Path

from tpayd.device_broker import errors
from tpayd.device_broker.drivers import DriverUnknownError, driver_kind, driver_names
from tpayd.device_broker.drivers.driver import DriverKind, LineSettings
from tpayd.device_broker.finding.names import MachinePort, full_name, machine_ports, real_path
from tpayd.device_broker.finding.probe import ask_who
from tpayd.device_broker.finding.proposing import propose, scanned
from tpayd.device_broker.finding.scan import Candidate, Question, Scan
from tpayd.device_broker.reader import Reader, local_time
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd_contracts.fleet import ScanDevices, ScanProgress, ScanResult

__all__ = ["Searching"]

SIDE_BY_SIDE = 8
_OPENING_S = 6.0
_POLL_S = 0.02


class Searching:
    """Serves device.scan. Whoever else asks ports holds `alone` meanwhile."""

    def __init__(
        self, home: Path, patterns: Sequence[str], max_s: float, readers: Mapping[str, Reader], clock: Clock, log: Log
    ) -> None:
        self.alone = asyncio.Lock()
        self._under_way = False
        self._home = home
        self._patterns = patterns
        self._max_s = max_s
        self._readers = readers
        self._clock = clock
        self._log = log

    async def search(self, wish: ScanDevices, tell: Callable[[ScanProgress], None]) -> ScanResult:
        """Raises CallError: another search is under way, or a driver is not installed."""
        if self._under_way:
            raise errors.search_under_way()
        kinds = self._kinds(wish.drivers)
        self._under_way = True
        try:
            return await self._search(wish, kinds, tell)
        finally:
            self._under_way = False

    async def _search(
        self, wish: ScanDevices, kinds: Mapping[str, DriverKind], tell: Callable[[ScanProgress], None]
    ) -> ScanResult:
        lines: dict[str, LineSettings] = {name: kind.line for name, kind in kinds.items()}
        async with self.alone:
            ports = await asyncio.to_thread(self._ports, wish.ports)
            with self._hands_off() as aside:
                await self._none_opening(aside)
                scan = Scan([self._candidate(port, aside) for port in ports], lines)
                await self._run(scan, kinds, tell)
        devices = [reader.settings for reader in self._readers.values()]
        usual = {name: line.baud for name, line in lines.items()}
        findings = list(scan.findings.values())
        self._log.info("devices.scanned", ports=len(findings), found=scan.found, complete=scan.complete)
        ports_told = tuple(scanned(finding, devices, complete=scan.complete) for finding in findings)
        return ScanResult(ports_told, propose(findings, devices, usual), scan.complete)

    def _kinds(self, wanted: Sequence[str]) -> dict[str, DriverKind]:
        kinds: dict[str, DriverKind] = {}
        for name in wanted or driver_names():
            try:
                kinds[name] = driver_kind(name)
            except DriverUnknownError as error:
                if wanted:
                    raise errors.no_such_driver(str(error)) from None
                self._log.warning("devices.driver_left_out", driver=name, why=str(error))
        return kinds

    def _ports(self, wanted: Sequence[str]) -> list[MachinePort]:
        known = machine_ports(self._home, self._patterns)
        if not wanted:
            return known
        by_name = {key: port for port in known for key in (port.name, port.path)}
        paths = {name: full_name(name, self._home) for name in wanted}
        return [by_name.get(name) or by_name.get(path) or MachinePort(path, name) for name, path in paths.items()]

    @contextlib.contextmanager
    def _hands_off(self) -> Iterator[frozenset[str]]:
        """Devices that are not in service leave their ports to the search."""
        aside = [reader for reader in self._readers.values() if reader.step_aside()]
        try:
            yield frozenset(reader.name for reader in aside)
        finally:
            for reader in aside:
                reader.port.start()

    async def _none_opening(self, aside: Container[str]) -> None:
        """A port that was just being opened is let go of as soon as it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPENING_S):
                while any(name in aside and reader.port.is_opening for name, reader in self._readers.items()):  # noqa: ASYNC110
                    await asyncio.sleep(_POLL_S)

    def _candidate(self, port: MachinePort, aside: Container[str]) -> Candidate:
        real = real_path(port.path)
        for name, reader in self._readers.items():
            in_use = name not in aside
            where = reader.port.where if in_use else full_name(reader.settings.port, self._home)
            if (where is not None and real_path(where) == real) or reader.settings.port == port.name:
                return Candidate(port.path, port.name, name, in_use)
        return Candidate(port.path, port.name)

    async def _run(self, scan: Scan, kinds: Mapping[str, DriverKind], tell: Callable[[ScanProgress], None]) -> None:
        asking: dict[asyncio.Task[None], str] = {}

        async def ask(path: str, question: Question) -> None:
            kind = kinds[question.driver]
            reply = await ask_who(path, kind, question.baud, self._clock, lambda: local_time(self._clock))
            scan.heard(path, reply)

        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._max_s):
                    while not scan.complete:
                        while len(asking) < SIDE_BY_SIDE and (following := scan.next()) is not None:
                            path, question = following
                            tell(ScanProgress(path, question.driver, question.baud, scan.done, scan.of, scan.found))
                            asking[asyncio.create_task(ask(path, question))] = path
                        done, _ = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                        for task in done:
                            del asking[task]
                            task.result()
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

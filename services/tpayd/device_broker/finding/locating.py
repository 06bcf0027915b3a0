"""Finds the readers that are configured by their serial number, on whatever port they are plugged in.

Free ports are asked once when they appear, and again every 15 s, in the words and at the speed of the readers that are
missed. Ports of other configured devices are left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tpayd.device_broker.finding.names import (
    BY_SERIAL,
    BY_USB,
    MachinePort,
    PortNotFoundError,
    full_name,
    machine_ports,
    port_at_usb,
    real_path,
)
from tpayd.device_broker.finding.probe import ask_who
from tpayd.device_broker.reader import Reader, local_time
from tpayd.kit.clock import Clock

__all__ = ["Locator"]

ASK_AGAIN_US = 15_000_000
SIDE_BY_SIDE = 4


class Locator:
    """See the module. `alone` is held while ports are asked."""

    def __init__(
        self, home: Path, patterns: Sequence[str], readers: Mapping[str, Reader], clock: Clock, alone: asyncio.Lock
    ) -> None:
        self._home = home
        self._patterns = patterns
        self._readers = readers
        self._clock = clock
        self._alone = alone
        self._found: dict[str, _Plug] = {}
        """Where each serial number answered last."""
        self._asked: dict[tuple[_Plug, str, int], int] = {}
        """When each port was asked last by a driver at a speed."""

    def locate(self, name: str) -> str:
        """Where the port of that name is now; waits for the disk. Raises PortNotFoundError."""
        if name.startswith(BY_USB):
            return port_at_usb(name.removeprefix(BY_USB), lambda: machine_ports(self._home, ()))
        if name.startswith(BY_SERIAL):
            number = name.removeprefix(BY_SERIAL)
            plug = self._found.get(number)
            if plug is None:
                raise PortNotFoundError(f"no reader with serial number {number} answers on any free port")
            return plug.path
        return full_name(name, self._home)

    async def look(self) -> None:
        """Look for readers that are missed; to be called about once a second."""
        missed = [reader for reader in self._readers.values() if _is_missed(reader)]
        if not missed or self._alone.locked():
            return
        async with self._alone:
            ports = await asyncio.to_thread(machine_ports, self._home, self._patterns)
            taken = {real_path(where) for reader in self._readers.values() if (where := self._place_of(reader))}
            free = [port for port in ports if real_path(port.path) not in taken]
            self._found = {number: plug for number, plug in self._found.items() if plug == _plug_at(plug.path)}
            for reader in missed:
                if reader.impostor:
                    self._found.pop(reader.expected_number, None)
            await self._ask(missed, free)
        for reader in missed:
            if reader.expected_number in self._found:
                reader.port.hurry()

    def _place_of(self, reader: Reader) -> str | None:
        """The port that is this reader's, and not to be asked."""
        if reader.port.is_open:
            return reader.port.where
        name = reader.settings.port
        return None if name.startswith((BY_SERIAL, BY_USB)) else full_name(name, self._home)

    async def _ask(self, missed: Sequence[Reader], free: Sequence[MachinePort]) -> None:
        numbers = {reader.expected_number for reader in missed}
        plugs = {port.path: plug for port in free if (plug := _plug_at(port.path)) is not None}
        for port in free:
            if port.adapter in numbers and port.path in plugs:
                self._found[port.adapter] = plugs[port.path]
        gate = asyncio.Semaphore(SIDE_BY_SIDE)
        await asyncio.gather(*(self._ask_at(plug, missed, gate) for plug in plugs.values()))

    async def _ask_at(self, plug: _Plug, missed: Sequence[Reader], gate: asyncio.Semaphore) -> None:
        for kind, baud in dict.fromkeys((reader.kind, reader.baud) for reader in missed):
            if plug in self._found.values() or not self._is_due(plug, kind.name, baud):
                continue
            async with gate:
                reply = await ask_who(plug.path, kind, baud, self._clock, lambda: local_time(self._clock))
            if reply.identity is not None and reply.identity.serial_number:
                self._found[reply.identity.serial_number] = plug
                return

    def _is_due(self, plug: _Plug, driver: str, baud: int) -> bool:
        now_us = self._clock.monotonic_us()
        self._asked = {key: at_us for key, at_us in self._asked.items() if now_us - at_us < ASK_AGAIN_US}
        key = (plug, driver, baud)
        if key in self._asked:
            return False
        self._asked[key] = now_us
        return True


class _Plug(NamedTuple):
    """A port as it is plugged in now: after replugging it is another one, whatever its path."""

    path: str
    device: int
    inode: int
    since_ns: int


def _plug_at(path: str) -> _Plug | None:
    try:
        there = Path(path).stat()
    except OSError:
        return None
    return _Plug(path, there.st_rdev, there.st_ino, there.st_ctime_ns)


def _is_missed(reader: Reader) -> bool:
    return reader.settings.port.startswith(BY_SERIAL) and not reader.port.is_open and not reader.handed_over

"""One serial port on the event loop: opened, read, written, lost, and found again.

A port's name is looked up each time that it is opened: `usb:1-1.2` may be another path after replugging. A port with a
file descriptor is watched by the loop. One without (`rfc2217://`, `loop://`) is served by a thread that
polls it. Either way the owner is called in the loop, and a port that is lost is opened again, after growing waits with
jitter, for as long as the process lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial

from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.opening import open_line
from tpayd.device_broker.port_lines import FdLine, Line, PolledLine

__all__ = ["Port", "PortOwner"]


class PortOwner(Protocol):
    """Whom a port tells, always in the event loop."""

    def on_open(self) -> None:
        """The port is open, and nothing has been read yet."""
        ...

    def on_data(self, data: bytes) -> None:
        """Bytes came."""
        ...

    def on_lost(self, why: str) -> None:
        """The port could not be opened, or is gone. It will be tried again."""
        ...


class Port:
    """See the module. `name` is an absolute path, a URL that pyserial knows, or what `locate` makes one of.

    `locate` may wait for the disk; it raises an exception whose text says why there is no such port now.
    """

    def __init__(
        self,
        name: str,
        settings: LineSettings,
        owner: PortOwner,
        *,
        reopen_min_s: float,
        reopen_max_s: float,
        locate: Callable[[str], str] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.where: str | None = None
        """The path or URL at which it was opened last."""
        self.refused: BaseException | None = None
        """Why it could not be opened the last time."""
        self._settings = settings
        self._owner = owner
        self._reopen_min_s = reopen_min_s
        self._reopen_max_s = reopen_max_s
        self._locate = locate
        self._jitter = jitter
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._opening: asyncio.Future[tuple[str, serial.Serial]] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._misses = 0
        self._paused = False
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._line is not None

    @property
    def is_opening(self) -> bool:
        return self._opening is not None

    def hurry(self) -> None:
        """Try again now, if it is to be tried later."""
        if self._timer is not None:
            self._cancel_timer()
            self.start()

    def start(self) -> None:
        """Open the port now, and from now on again whenever it is lost."""
        self._timer = None
        self._paused = False
        if self._closed or self._opening is not None or self._line is not None:
            return
        # Opening may wait: a URL connects, a device sets its modem lines, a name is looked up.
        self._opening = self._loop.run_in_executor(None, self._open)
        self._opening.add_done_callback(self._opened)

    def pause(self) -> None:
        """Leave the port to somebody else until `start` is called. An open one is closed, and the owner not told."""
        self._paused = True
        self._cancel_timer()
        if self._line is not None:
            self._line.close()
            self._line = None

    def settled(self) -> None:
        """Whoever is at the other end is the right one: the next loss is tried again at once."""
        self._misses = 0

    def write(self, data: bytes) -> None:
        """Send; what is sent to a port that is not open is lost with it."""
        if self._line is not None:
            self._line.write(data)

    def drop(self, why: str) -> None:
        """Close the port, and open it again later."""
        if self._line is not None:
            self._line.close()
            self._line = None
            self._missed(why)

    def look(self) -> None:
        """To be called now and then: has the path gone, or does it lead to another device?"""
        where = self.where
        if where is None or "://" in where or not isinstance(self._line, FdLine):
            return
        if not self._line.is_at(Path(where)):
            self.drop("unplugged")

    def close(self) -> None:
        """Close for good."""
        self._closed = True
        self._cancel_timer()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self) -> tuple[str, serial.Serial]:
        where = self.name if self._locate is None else self._locate(self.name)
        return where, open_line(where, self._settings)

    def _opened(self, opening: asyncio.Future[tuple[str, serial.Serial]]) -> None:
        self._opening = None
        if opening.cancelled():
            return
        self.refused = error = opening.exception()
        if error is not None:
            self._missed(str(error))
            return
        where, opened = opening.result()
        if self._closed or self._paused:
            with contextlib.suppress(OSError, serial.SerialException):
                opened.close()
            return
        self.where = where
        try:
            fd = opened.fileno()
        except OSError:  # io.UnsupportedOperation is one
            self._line = PolledLine(opened, self._loop, self._owner.on_data, self._line_lost)
        else:
            os.set_blocking(fd, False)
            self._line = FdLine(opened, fd, self._loop, self._owner.on_data, self._line_lost)
        self._owner.on_open()

    def _line_lost(self, line: Line, why: str) -> None:
        if line is self._line:
            self.drop(why)

    def _missed(self, why: str) -> None:
        if self._closed:
            return
        if not self._paused:
            wait_s = min(self._reopen_max_s, self._reopen_min_s * 2 ** min(self._misses, 16))
            self._misses += 1
            self._timer = self._loop.call_later(wait_s * (0.5 + self._jitter() / 2), self.start)
        self._owner.on_lost(why)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

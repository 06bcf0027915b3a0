"""One serial port on the event loop: opened, read, written, lost, and found again.

A port with a file descriptor is watched by the loop. One without (`rfc2217://`, `loop://`) is served by a thread that
polls it. Either way the owner is called in the loop, and a port that is lost is opened again, after growing waits with
jitter, for as long as the process lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import serial

from tpayd.device_broker.drivers.driver import LineSettings
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
    """See the module. `url` is an absolute path, or a URL that pyserial knows."""

    def __init__(
        self,
        url: str,
        settings: LineSettings,
        owner: PortOwner,
        *,
        reopen_min_s: float,
        reopen_max_s: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.url = url
        self._settings = settings
        self._owner = owner
        self._reopen_min_s = reopen_min_s
        self._reopen_max_s = reopen_max_s
        self._jitter = jitter
        self._path = None if "://" in url else Path(url)
        self._loop = asyncio.get_running_loop()
        self._line: Line | None = None
        self._opening: asyncio.Future[serial.Serial] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._misses = 0
        self._closed = False

    @property
    def is_open(self) -> bool:
        return self._line is not None

    def start(self) -> None:
        """Open the port now, and from now on again whenever it is lost."""
        self._timer = None
        if self._closed:
            return
        if self._path is not None and not self._path.exists():
            self._missed("not there")
            return
        # Opening may wait: a URL connects, a device sets its modem lines.
        self._opening = self._loop.run_in_executor(None, self._open)
        self._opening.add_done_callback(self._opened)

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
        if self._path is not None and isinstance(self._line, FdLine) and not self._line.is_at(self._path):
            self.drop("unplugged")

    def close(self) -> None:
        """Close for good."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self) -> serial.Serial:
        settings = self._settings
        options = {"exclusive": True} if self._path is not None else {}
        return serial.serial_for_url(
            self.url, baudrate=settings.baud, parity=settings.parity, stopbits=settings.stop_bits, timeout=0,
            write_timeout=0, **options,
        )  # fmt: skip

    def _opened(self, opening: asyncio.Future[serial.Serial]) -> None:
        self._opening = None
        if opening.cancelled():
            return
        error = opening.exception()
        if error is not None:
            # serial_for_url raises SerialException, ValueError for a URL it does not know, and what drivers raise.
            self._missed(_reason(error))
            return
        opened = opening.result()
        if self._closed:
            with contextlib.suppress(OSError, serial.SerialException):
                opened.close()
            return
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
        wait_s = min(self._reopen_max_s, self._reopen_min_s * 2 ** min(self._misses, 16))
        self._misses += 1
        self._timer = self._loop.call_later(wait_s * (0.5 + self._jitter() / 2), self.start)
        self._owner.on_lost(why)


def _reason(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EWOULDBLOCK:  # the lock that pyserial takes
        return "in use by another program"
    return os.strerror(number).lower() if isinstance(number, int) else str(error)

"""An open serial line, with or without a file descriptor that the event loop can watch."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import serial

from tpayd.kit import crashpoints
from tpayd.kit.bus.turn import turn_of

__all__ = ["POLL_S", "FdLine", "Line", "PolledLine"]

READ_BYTES = 4096
UNSENT_MAX_BYTES = 64 * 1024
"""A line that takes nothing for so long is lost."""
POLL_S = 0.02
"""How long the thread of a polled line waits for bytes, and so how late it may send."""


class Line(Protocol):
    """An open line. It tells its loss once."""

    def write(self, data: bytes) -> None:
        """Send, now or when the line takes it; never waits."""
        ...

    def close(self) -> None:
        """Let go of it, without telling."""
        ...


Lost = Callable[[Line, str], None]
T = TypeVar("T")


class FdLine:
    """A line that is watched by the event loop. What a turn of the loop has for it leaves at the turn's end.

    Each write to a terminal wakes a worker of the kernel's, which most often takes the processor from whoever writes.
    Those of a turn come one right behind the other, and the worker finds several at once: 27 us of its time for a sale
    became 19.
    """

    def __init__(
        self,
        opened: serial.Serial,
        fd: int,
        loop: asyncio.AbstractEventLoop,
        on_data: Callable[[bytes], None],
        on_lost: Lost,
    ) -> None:
        self._opened = opened
        self._fd = fd
        self._send = partial(os.write, fd)
        self._loop = loop
        self._on_data = on_data
        self._on_lost = on_lost
        self._unsent = bytearray()
        self._queued: list[bytes] = []
        self._turn = turn_of(loop)
        self._closed = False
        here = os.fstat(fd)
        self._here = (here.st_rdev, here.st_ino, here.st_dev)
        loop.add_reader(fd, self._readable)

    def is_at(self, path: Path) -> bool:
        """Whether the path still leads to this device."""
        try:
            there = path.stat()
        except OSError:
            return False
        return (there.st_rdev, there.st_ino, there.st_dev) == self._here

    def write(self, data: bytes) -> None:
        if self._closed:
            return
        if not self._queued:
            self._turn.at_end(self._leave)
        self._queued.append(data)

    def close(self) -> None:
        """Send what this turn has for it, as far as the line takes it at once, and end."""
        if self._closed:
            return
        with contextlib.suppress(OSError):
            if self._queued and not self._unsent:
                os.write(self._fd, b"".join(self._queued))
        self._closed = True
        self._loop.remove_reader(self._fd)
        self._loop.remove_writer(self._fd)
        with contextlib.suppress(OSError, serial.SerialException):
            self._opened.close()

    def _leave(self) -> None:
        data = b"".join(self._queued)
        self._queued.clear()
        if self._closed:
            return
        if self._unsent:
            self._keep(data)
            return
        try:
            sent = _written(self._send, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose(_unplugged(error))
            return
        if sent < len(data):
            self._loop.add_writer(self._fd, self._writable)
            self._keep(data[sent:])

    def _readable(self) -> None:
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_unplugged(error))
            return
        if data:
            self._on_data(data)
        else:
            self._lose("hung up")

    def _writable(self) -> None:
        try:
            sent = os.write(self._fd, self._unsent)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(_unplugged(error))
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._fd)

    def _keep(self, data: bytes) -> None:
        if len(self._unsent) + len(data) > UNSENT_MAX_BYTES:
            self._loop.call_soon(self._lose, "takes no bytes")
            return
        self._unsent += data

    def _lose(self, why: str) -> None:
        if not self._closed:
            self._queued.clear()
            self.close()
            self._on_lost(self, why)


class PolledLine:
    """A line without a file descriptor, whose reads end after `POLL_S`: served by a thread of its own."""

    def __init__(
        self,
        opened: serial.Serial,
        loop: asyncio.AbstractEventLoop,
        on_data: Callable[[bytes], None],
        on_lost: Lost,
    ) -> None:
        self._opened = opened
        self._loop = loop
        self._on_data = on_data
        self._on_lost = on_lost
        self._unsent: deque[bytes] = deque()
        self._closed = False
        threading.Thread(target=self._serve, name=f"port {opened.name}", daemon=True).start()

    def write(self, data: bytes) -> None:
        if sum(map(len, self._unsent)) + len(data) > UNSENT_MAX_BYTES:
            self._loop.call_soon(self._lose, "takes no bytes")
            return
        self._unsent.append(data)

    def close(self) -> None:
        # The thread closes the port: pyserial's network ports don't bear that from outside.
        self._closed = True

    def _serve(self) -> None:
        try:
            with contextlib.closing(self._opened):
                while not self._closed:
                    while self._unsent:
                        _written(self._opened.write, self._unsent.popleft())
                    data = self._opened.read(max(1, min(READ_BYTES, self._opened.in_waiting)))
                    if data:
                        self._tell(self._took, bytes(data))
        except (OSError, ValueError) as error:  # SerialException is an OSError
            self._tell(self._lose, _unplugged(error))

    def _tell(self, what: Callable[..., None], about: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(what, about)

    def _took(self, data: bytes) -> None:
        if not self._closed:
            self._on_data(data)

    def _lose(self, why: str) -> None:
        if not self._closed:
            self.close()
            self._on_lost(self, why)


def _written(write: Callable[[bytes], T], data: bytes) -> T:
    crashpoints.passing("port.before_write")
    sent = write(data)
    crashpoints.passing("port.after_write")
    return sent


def _unplugged(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f"unplugged ({os.strerror(number).lower()})" if isinstance(number, int) else f"unplugged ({error})"

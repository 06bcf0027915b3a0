"""A virtual reader's cable: a pty under a name that stays, pulled out and put back in on demand."""

from __future__ import annotations

import asyncio
import os
import termios
import tty
from collections.abc import Callable
from pathlib import Path

from tpayd.kit.bus.turn import turn_of

__all__ = ["Cable", "garbled"]

_READ_BYTES = 4096
_SPEEDS = {getattr(termios, name): int(name[1:]) for name in dir(termios) if name[0] == "B" and name[1:].isdecimal()}
_INPUT_SPEED = 4
"""Where `tcgetattr` has it."""
_WRONG_SPEED = 0x5A


class Cable:
    """One pty. While it is plugged in, `link` leads to its terminal side.

    What a turn of the event loop has to send leaves at the turn's end, all readers' answers one right behind the other,
    as they come from the broker (`device_broker.port_lines` says why).
    """

    def __init__(self, link: Path, on_data: Callable[[bytes], None]) -> None:
        self._link = link
        self._on_data = on_data
        self._loop = asyncio.get_running_loop()
        self._ends: tuple[int, int] | None = None
        self._turn = turn_of(self._loop)
        self._queued = b""

    @property
    def plugged(self) -> bool:
        return self._ends is not None

    @property
    def baud(self) -> int | None:
        """The speed that whoever opened the port has set; None for one that has no name, and without a cable."""
        return None if self._ends is None else _SPEEDS.get(termios.tcgetattr(self._ends[1])[_INPUT_SPEED])

    def plug_in(self) -> None:
        """Raises OSError where no pty is to be had."""
        if self._ends is not None:
            return
        reader_end, store_end = os.openpty()
        tty.setraw(store_end)
        # A port belongs to a group, so that whoever is in it can open it: here the house, which may have many users.
        os.fchown(store_end, -1, os.getegid())
        os.fchmod(store_end, 0o660)
        os.set_blocking(reader_end, False)
        # The store's end stays open here as well: without that, nobody listening would look like a pulled plug.
        self._ends = (reader_end, store_end)
        self._loop.add_reader(reader_end, self._readable)
        fresh = self._link.with_name(f".{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(store_end))
        fresh.replace(self._link)

    def pull_out(self) -> None:
        if self._ends is None:
            return
        self._link.unlink(missing_ok=True)
        reader_end, store_end = self._ends
        self._ends, self._queued = None, b""
        self._loop.remove_reader(reader_end)
        os.close(reader_end)
        os.close(store_end)

    def send(self, data: bytes) -> None:
        """What a store does not read in time is lost, as on a serial line without flow control."""
        if self._ends is not None and data:
            if not self._queued:
                self._turn.at_end(self._leave)
            self._queued += data

    def _leave(self) -> None:
        data, self._queued = self._queued, b""
        if self._ends is not None and data:
            try:
                os.write(self._ends[0], data)
            except OSError:
                return

    def _readable(self) -> None:
        if self._ends is None:
            return
        try:
            self._on_data(os.read(self._ends[0], _READ_BYTES))
        except OSError:
            return


def garbled(data: bytes) -> bytes:
    """What is left of bytes that were sent at one speed and heard at another."""
    return bytes(byte ^ _WRONG_SPEED for byte in data)

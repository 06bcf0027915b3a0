"""What a turn of the event loop has for a line leaves at the turn's end, in its order."""

from __future__ import annotations

import asyncio
import os
import select
import tty
from collections.abc import Coroutine, Iterator
from typing import Any, cast

import pytest
import serial

from tpayd.device_broker.port_lines import FdLine, Line

LIMIT_S = 30


class Opened:
    """As much of a serial port as a line has to do with."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None


class Ends:
    """A pty: the line has one end, the test the other."""

    def __init__(self) -> None:
        self.other, self.fd = os.openpty()
        tty.setraw(self.fd)
        os.set_blocking(self.fd, False)
        self.lost: list[str] = []
        self.is_lost = asyncio.Event()
        self.opened = Opened(self.fd)

    def line(self) -> FdLine:
        """Raises RuntimeError outside an event loop."""
        opened = cast("serial.Serial", self.opened)
        loop = asyncio.get_running_loop()
        return FdLine(opened, self.fd, loop, lambda _: None, self._lost)

    def _lost(self, _: Line, why: str) -> None:
        self.lost.append(why)
        self.is_lost.set()

    def came(self, wait_s: float) -> bytes:
        """What came over the line by then."""
        return os.read(self.other, 4096) if select.select([self.other], [], [], wait_s)[0] else b""


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.opened.close()
    os.close(ends.other)


def run(what: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(what, LIMIT_S))


def test_writes_of_a_turn_leave_together(ends: Ends) -> None:
    """Two writes of one turn are one on the line, and nothing leaves before the turn has ended."""

    async def turn() -> None:
        line = ends.line()
        line.write(b"one ")
        line.write(b"two")
        assert ends.came(0) == b""
        await asyncio.sleep(0)
        assert ends.came(LIMIT_S) == b"one two"
        line.close()

    run(turn())


def test_what_was_written_leaves_before_a_close(ends: Ends) -> None:
    """A reader's last word (its display, an abort) leaves although the line is closed in the same turn, and once."""
    kept = os.dup(ends.fd)  # else the closed line would look like a hung-up one from the other end

    async def turn() -> None:
        line = ends.line()
        line.write(b"goodbye")
        line.close()
        assert ends.came(LIMIT_S) == b"goodbye"
        await asyncio.sleep(0)
        assert ends.came(0) == b""

    try:
        run(turn())
    finally:
        os.close(kept)


def test_a_line_that_hangs_up_is_lost_once(ends: Ends) -> None:
    """A write to a line whose other end is gone ends it, and that is told once."""

    async def turn() -> None:
        line = ends.line()
        os.close(ends.other)
        ends.other = os.open(os.devnull, os.O_RDONLY)
        line.write(b"anybody?")
        await ends.is_lost.wait()
        await asyncio.sleep(0)
        assert len(ends.lost) == 1

    run(turn())

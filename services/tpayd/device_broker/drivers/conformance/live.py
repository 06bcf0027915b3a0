"""The part of the suite that a real reader on a real port can be put to. Nobody presents a card to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import serial

from tpayd.device_broker.drivers.commands import Check, Command, Recover, Start
from tpayd.device_broker.drivers.conformance.bench import ANSWERS, promised
from tpayd.device_broker.drivers.conformance.suite import AT, read_command
from tpayd.device_broker.drivers.driver import DriverKind, Turn
from tpayd.device_broker.drivers.events import CardInside, Clean, Down, Event, Identified

__all__ = ["live_checks"]

_LIMIT_S = 60.0
_POLL_S = 0.02


def live_checks(kind: DriverKind, port: str, baud: int | None) -> Iterator[tuple[str, str]]:
    """Name and finding of each check, as it is done. Raises BrokenPromiseError, and OSError for the port."""
    line = kind.line
    with serial.serial_for_url(
        port, baudrate=baud or line.baud, parity=line.parity, stopbits=line.stop_bits, timeout=_POLL_S
    ) as opened:
        reader = _Live(kind, opened.read, opened.write)
        events = reader.until_over(Start(AT))
        identified = [event.identity for event in events if isinstance(event, Identified)]
        promised(len(identified) == 1 and reader.driver.clean, f"a start ends clean, not with {events[-1:]}")
        identity = identified[0]
        yield "starts", f"{identity.model}, serial number {identity.serial_number}, firmware {identity.firmware}"
        promised(Clean() in reader.until_over(Check()), "a check of an idle reader tells Clean")
        yield "is checked", "clean"
        reader.begin(read_command(1))
        reader.go_on(lambda: False, limit_s=1.0)
        events = reader.until_over(Recover())
        promised(not any(type(event) in ANSWERS for event in events), "nothing of a card read is told afterwards")
        promised(Clean() in events and reader.driver.clean, "a recovery ends clean")
        yield "recovers", "clean, after a card read that was called off"


class _Live:
    def __init__(self, kind: DriverKind, read: Callable[[int], bytes], write: Callable[[bytes], int | None]) -> None:
        self.driver = kind.create()
        self._read = read
        self._write = write
        self._events: list[Event] = []

    def begin(self, command: Command) -> None:
        self._take(self.driver.ask(command, _now_us()))

    def until_over(self, command: Command) -> list[Event]:
        """What the driver tells until the command is over."""
        self._events = []
        self.begin(command)
        self.go_on(lambda: not self.driver.busy, limit_s=_LIMIT_S)
        over = self.driver.busy is False
        promised(over, f"it comes to an end within {_LIMIT_S:.0f} s; so far it told {self._events}")
        return self._events

    def go_on(self, over: Callable[[], bool], *, limit_s: float) -> None:
        until_s = time.monotonic() + limit_s
        while time.monotonic() < until_s and not over():
            data = self._read(4096)
            now_us = _now_us()
            if data:
                self._take(self.driver.received(data, now_us))
            deadline_us = self.driver.deadline_us
            if deadline_us is not None and now_us >= deadline_us:
                self._take(self.driver.tick(now_us))
            if any(isinstance(event, Down | CardInside) for event in self._events):
                return

    def _take(self, turn: Turn) -> None:
        if turn.out:
            self._write(turn.out)
        self._events += turn.events


def _now_us() -> int:
    return time.monotonic_ns() // 1000

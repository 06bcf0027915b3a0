"""The floor: a sale's hops with blocking raw sockets and no parsing.

One process and one thread per service, as in tpayd. Between services Unix stream sockets, a pty to the reader, TCP to
the host. A message is its length, the number of its piece of work, whether it is the last one, and filler. Run by
`python -m tests.bench.floor <service> <directory>`, which ends with its caller.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import socket
import struct
import sys
import tty
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.bench.hops import ROOT, Call, Step, Sync, Tell, Work, sale
from tests.bench.processes import Children

__all__ = ["FloorLane", "start"]

_HEAD = struct.Struct(">I?B")
_ORDER = ("reader", "host", "host_link", "key_manager", "device_broker", "transaction", "gateway")
"""Whoever is called starts first."""
_KINDS: dict[str, Callable[..., Step]] = {"Tell": Tell, "Call": Call, "Sync": Sync}


class Line(Protocol):
    """Both ends of whatever carries bytes."""

    def send(self, data: bytes) -> None: ...
    def receive(self, size: int) -> bytes:
        """Exactly so many bytes; raises EOFError at the end."""

    def close(self) -> None: ...


@dataclass
class SocketLine:
    socket: socket.socket

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self, size: int) -> bytes:
        data = self.socket.recv(size, socket.MSG_WAITALL)
        if len(data) < size:
            raise EOFError
        return data

    def close(self) -> None:
        self.socket.close()


@dataclass
class PtyLine:
    descriptor: int

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.descriptor, data) :]

    def receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            try:
                more = os.read(self.descriptor, size - len(data))
            except OSError:
                more = b""  # EIO: the other end of a pty is closed
            if not more:
                raise EOFError
            data += more
        return data

    def close(self) -> None:
        os.close(self.descriptor)


@dataclass
class Message:
    work: int
    last: bool
    filler: bytes


def send(line: Line, size: int, work: int, *, last: bool) -> None:
    line.send(_HEAD.pack(max(size, _HEAD.size), last, work) + bytes(max(0, size - _HEAD.size)))


def receive(line: Line) -> Message:
    size, last, work = _HEAD.unpack(line.receive(_HEAD.size))
    return Message(work, last, line.receive(size - _HEAD.size) if size > _HEAD.size else b"")


class Service:
    """One process of the floor."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = name
        self._directory = directory
        plan = json.loads((directory / "sale.json").read_text())
        self._names: list[str] = list(plan)
        self._plan = {work: _work(told) for work, told in plan.items()}
        self._journal = os.open(directory / f"{name}.journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        callees = sorted({step.work for work in self._mine() for step in (*work.steps, *work.after)
                          if isinstance(step, Call)})  # fmt: skip
        services = {self._plan[callee].service for callee in callees}
        self._lines = {service: connect(service, directory) for service in services}

    def _mine(self) -> list[Work]:
        return [work for work in self._plan.values() if work.service == self._name]

    def serve(self) -> None:
        """Do what one caller asks, one piece after the other; then what the next one asks."""
        for line in callers(self._name, self._directory):
            with contextlib.suppress(EOFError):
                while True:
                    message = receive(line)
                    work = self._plan[self._names[message.work]]
                    self._do(work.steps, line)
                    send(line, work.reply, message.work, last=True)
                    self._do(work.after, line)
            line.close()

    def _do(self, steps: tuple[Step, ...], caller: Line) -> None:
        for step in steps:
            if isinstance(step, Tell):
                send(caller, step.size, 0, last=False)
            elif isinstance(step, Sync):
                os.write(self._journal, bytes(step.size))
                os.fdatasync(self._journal)
            else:
                self._call(step, caller)

    def _call(self, step: Call, caller: Line) -> None:
        work = self._plan[step.work]
        line = self._lines[work.service]
        send(line, work.request, self._names.index(step.work), last=True)
        while not (message := receive(line)).last:
            if step.relay:
                send(caller, len(message.filler) + _HEAD.size, 0, last=False)


def callers(service: str, directory: Path) -> Iterator[Line]:
    """Be reachable, say so, and take one caller after the other."""
    if service == "reader":
        master, slave = pty.openpty()
        tty.setraw(master)
        (directory / "reader").symlink_to(os.ttyname(slave))
        print("ready", flush=True)
        yield PtyLine(master)
        return
    server = socket.socket(socket.AF_INET if service == "host" else socket.AF_UNIX)
    server.bind(("127.0.0.1", 0) if service == "host" else str(directory / service))
    server.listen(1)
    if service == "host":
        (directory / "host").write_text(str(server.getsockname()[1]))
    print("ready", flush=True)
    while True:
        connection, _ = server.accept()
        if service == "host":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield SocketLine(connection)


def connect(service: str, directory: Path) -> Line:
    if service == "reader":
        descriptor = os.open(directory / "reader", os.O_RDWR | os.O_NOCTTY)
        tty.setraw(descriptor)
        return PtyLine(descriptor)
    if service == "host":
        connection = socket.create_connection(("127.0.0.1", int((directory / "host").read_text())))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SocketLine(connection)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(directory / service))
    return SocketLine(connection)


class FloorLane:
    """The POS of the floor."""

    def __init__(self, directory: Path) -> None:
        plan = json.loads((directory / "sale.json").read_text())
        self._root = list(plan).index(ROOT)
        self._size: int = plan[ROOT]["request"]
        self._line = connect("gateway", directory)

    def sell(self) -> None:
        """One sale; returns when it is approved."""
        send(self._line, self._size, self._root, last=True)
        while not receive(self._line).last:
            pass

    def close(self) -> None:
        """Go away."""
        self._line.close()


def start(children: Children, directory: Path) -> None:
    """Start every process of the floor, and return when all are ready."""
    (directory / "sale.json").write_text(json.dumps({name: _told(work) for name, work in sale().items()}))
    for service in _ORDER:
        children.start("tests.bench.floor", service, str(directory), ready="ready")


def _told(work: Work) -> dict[str, Any]:
    told = asdict(work)
    for part in ("steps", "after"):
        told[part] = [[type(step).__name__, asdict(step)] for step in getattr(work, part)]
    return told


def _work(told: dict[str, Any]) -> Work:
    steps = {part: tuple(_KINDS[kind](**fields) for kind, fields in told[part]) for part in ("steps", "after")}
    return Work(told["service"], told["request"], told["reply"], **steps)


if __name__ == "__main__":
    Service(sys.argv[1], Path(sys.argv[2])).serve()

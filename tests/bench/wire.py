"""One ZeroMQ DEALER on a Unix socket, without libzmq: ZMTP 3.1, mechanism NULL, https://rfc.zeromq.org/spec/37/.

The load stands for tills, which have machines of their own, and here it shares the machine with what it measures. With
libzmq each message would wake a second thread and cost two to three times the CPU. What the daemon gets is the same.
"""

from __future__ import annotations

import socket
import struct
from typing import Self

__all__ = ["Wire"]

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
_PING, _PONG = b"\x04PING", b"\x04PONG"
_TTL_BYTES = 2

_MORE, _LONG, _COMMAND = 1, 2, 4
_SHORT_MAX = 255
_LONG_SIZE = struct.Struct(">Q")
_READ_BYTES = 64 * 1024
_WAIT_S = 15
_TIMEVAL = struct.pack("@ll", _WAIT_S, 0)


class Wire:
    """A connection that is open when it is there. Messages are one frame each, as tpayd's are.

    Everything blocks, for 15 s at the longest (BlockingIOError). ConnectionError: the peer hung up.
    """

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        # The kernel's own limit: Python's settimeout would cost a poll() with each call.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)
        self._rest = b""
        try:
            self._socket.connect(path)
            self._shake_hands()
        except BaseException:
            self._socket.close()
            raise

    @classmethod
    def to(cls, endpoint: str) -> Self:
        """A connection to `ipc://…`."""
        return cls(endpoint.removeprefix("ipc://"))

    def fileno(self) -> int:
        """To wait for several."""
        return self._socket.fileno()

    def send(self, message: bytes) -> None:
        """Send one message."""
        self._send_frame(0, message)

    def receive(self) -> list[bytes]:
        """The messages that have come, after one read, which waits; a read may end no message."""
        data = self._read()
        if self._rest:
            data = self._rest + data
        messages = []
        at = 0
        while at + 2 <= len(data):
            flags = data[at]
            start = at + (9 if flags & _LONG else 2)
            if start > len(data):
                break
            end = start + (_LONG_SIZE.unpack_from(data, at + 1)[0] if flags & _LONG else data[at + 1])
            if end > len(data):
                break
            if not flags:
                messages.append(data[start:end])
            else:
                self._unusual(flags, data[start:end], messages)
            at = end
        self._rest = data[at:]
        return messages

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _shake_hands(self) -> None:
        self._socket.sendall(_GREETING)
        while len(self._rest) < len(_GREETING):
            self._rest += self._read()
        self._rest = self._rest[len(_GREETING) :]
        self._send_frame(_COMMAND, _READY)

    def _unusual(self, flags: int, frame: bytes, messages: list[bytes]) -> None:
        """Anything but a short message of one frame."""
        if flags & _MORE:
            raise ValueError("a message of several frames: neither chain sends such")
        if not flags & _COMMAND:
            messages.append(frame)
        elif frame.startswith(_PING):
            self._send_frame(_COMMAND, _PONG + frame[len(_PING) + _TTL_BYTES :])

    def _send_frame(self, flags: int, frame: bytes) -> None:
        size = len(frame)
        head = bytes((flags, size)) if size <= _SHORT_MAX else bytes((flags | _LONG,)) + _LONG_SIZE.pack(size)
        self._socket.sendall(head + frame)

    def _read(self) -> bytes:
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionError("the peer hung up")
        return data

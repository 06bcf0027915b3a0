"""HTTP connections whose bytes pass one place, headers too: there the limits of a `Patience` are looked at."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

from tpayd.updater.errors import UnreachableError
from tpayd.updater.patience import Patience

__all__ = ["CHUNK_BYTES", "limited_connection"]

CHUNK_BYTES = 64 * 1024
_LOOK_UP_S = 0.25
"""How long a silent socket is waited for before the limits are looked at again."""


class _LimitedStream(io.RawIOBase):
    """A socket's bytes, as long as the patience lasts."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        # Keeps the descriptor open until this stream is closed, as http.client expects of `makefile`.
        self._holder = sock.makefile("rb", buffering=0)
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(_LOOK_UP_S)
        while True:
            self._patience.check()
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                continue
            self._patience.check(count)
            return count

    def close(self) -> None:
        if not self.closed:
            self._holder.close()
        super().close()


class _LimitedSocket:
    """What http.client needs of a socket."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock = sock
        self._patience = patience

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_LimitedStream(self._sock, self._patience), CHUNK_BYTES)

    def sendall(self, data: bytes) -> None:
        self._sock.sendall(data)

    def close(self) -> None:
        self._sock.close()


class _Http(http.client.HTTPConnection):
    patience: Patience

    def connect(self) -> None:
        super().connect()
        self.sock = _LimitedSocket(self.sock, self.patience)


class _Https(http.client.HTTPSConnection):
    patience: Patience

    def connect(self) -> None:
        super().connect()
        self.sock = _LimitedSocket(self.sock, self.patience)


def limited_connection(url: str, patience: Patience) -> http.client.HTTPConnection:
    """A connection to a URL's server, not made yet. Raises UnreachableError: the address is none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise UnreachableError("the repository's address must be http(s)://host[:port]/path, without user and password")
    connect_s = patience.limits.connect_s
    connection: _Http | _Https
    if parts.scheme == "http":
        connection = _Http(parts.hostname, parts.port, timeout=connect_s)
    else:
        connection = _Https(parts.hostname, parts.port, timeout=connect_s, context=ssl.create_default_context())
    connection.patience = patience
    return connection

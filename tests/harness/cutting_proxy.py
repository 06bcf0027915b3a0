"""A line that breaks: a TCP proxy on loopback that cuts, stops or drips once so many bytes have gone to the server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable
from typing import Self

_BLOCK_BYTES = 4096
_HARD_END = struct.pack("ii", 1, 0)
"""SO_LINGER: the other side sees a reset, as after a power cut."""


class CuttingProxy:
    """Each connection takes the next of `cuts_after_bytes`; when there are no more, connections hold.

    With `hang` the line is not cut but falls silent. Use it by `with`.
    """

    def __init__(
        self, server_port: int, cuts_after_bytes: Iterable[int] = (), *, hang: bool = False, block_bytes: int = 0,
        pause_s: float = 0.0,
    ) -> None:  # fmt: skip
        self._server_port = server_port
        self._cuts = list(cuts_after_bytes)
        self._hang = hang
        self._block_bytes = block_bytes or _BLOCK_BYTES
        self._pause_s = pause_s
        self._ended = threading.Event()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            cut_after = self._cuts.pop(0) if self._cuts else None
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._open += [client, server]
            self._start(self._forward, client, server, cut_after)
            self._start(self._forward, server, client, None)

    def _forward(self, source: socket.socket, target: socket.socket, cut_after: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while block := source.recv(self._block_bytes):
                passed += len(block)
                if cut_after is not None and passed >= cut_after:
                    if self._hang:
                        self._ended.wait()
                    else:
                        self._reset(source, target)
                    return
                if self._pause_s:
                    self._ended.wait(self._pause_s)
                target.sendall(block)
            target.shutdown(socket.SHUT_WR)

    def _reset(self, *both: socket.socket) -> None:
        for each in both:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HARD_END)
            each.shutdown(socket.SHUT_RD)
            each.close()

    def _start(self, work: object, *arguments: object) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()  # type: ignore[arg-type]

"""SFTP over a directory, by asyncssh, with the faults that were ordered. Only on this machine's loopback.

asyncssh is loaded when the first connection comes: most sandboxes never ship a log.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tpayd.sandbox.logs.faults import Faults
from tpayd.sandbox.logs.identity import INCOMING

if TYPE_CHECKING:
    import asyncssh

__all__ = ["LogsServer"]

_ADDRESS = "127.0.0.1"
_CONNECTIONS_MAX = 16
_LOGIN_S = 30.0


class LogsServer:
    """Listens from `start` on. In the running event loop."""

    def __init__(self, directory: Path, port: int) -> None:
        """Raises OSError."""
        self.directory = directory
        self.faults = Faults()
        self.connections = 0
        (directory / INCOMING).mkdir(mode=0o750, parents=True, exist_ok=True)
        self._listener = socket.create_server((_ADDRESS, port))
        self._listener.setblocking(False)
        self._open: set[asyncssh.SSHServerConnection] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where bundles go."""
        return f"sftp://{_ADDRESS}:{self._listener.getsockname()[1]}/{INCOMING}"

    def start(self) -> None:
        """Take connections from now on."""
        self._keep(asyncio.ensure_future(self._accept()))

    async def close(self) -> None:
        """Cut whoever is connected."""
        for task in tuple(self._serving):
            task.cancel()
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._listener.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            peer, _ = await loop.sock_accept(self._listener)
            self.connections += 1
            if self.faults.refuses() or len(self._serving) > _CONNECTIONS_MAX:
                peer.close()
            else:
                self._keep(asyncio.ensure_future(self._serve(peer)))

    async def _serve(self, peer: socket.socket) -> None:
        serve = await asyncio.to_thread(_load)
        connection = None
        try:
            connection = await serve(peer, self.directory, self.faults, _LOGIN_S)
            self._open.add(connection)
            await connection.wait_closed()
        except OSError:
            pass  # gone before, or refused at, the login: nothing to serve
        finally:
            if connection is None:
                peer.close()
            else:
                self._open.discard(connection)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)


def _load() -> Callable[[socket.socket, Path, Faults, float], Awaitable[asyncssh.SSHServerConnection]]:
    from tpayd.sandbox.logs.session import serve  # noqa: PLC0415

    return serve

"""Serves a registry on loopback, in a thread that sleeps until somebody scrapes.

prometheus_client's own server asks the system for names (of the address, of the machine), whose codec alone takes 30 ms
of a process's start, and wakes up twice a second to see whether it is to end.
"""

from __future__ import annotations

import contextlib
import os
import select
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

__all__ = ["MetricsServer"]

_LOOPBACK = "127.0.0.1"
_CLOSE_WAIT_S = 1.0


class MetricsServer:
    """/metrics of one registry, from now until `close`."""

    def __init__(self, port: int, registry: CollectorRegistry) -> None:
        """Port 0: any that is free. Raises OSError if the port is taken."""
        self._server = _Server((_LOOPBACK, port), _SilentHandler)
        self._server.set_app(make_wsgi_app(registry))
        self.port: int = self._server.server_port
        self._ending, self._end = os.pipe()
        self._thread = Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        os.close(self._end)
        self._thread.join(_CLOSE_WAIT_S)

    def _serve(self) -> None:
        poller = select.poll()
        poller.register(self._ending, 0)  # its other end closed: POLLHUP
        poller.register(self._server, select.POLLIN)
        with self._server, contextlib.closing(os.fdopen(self._ending)):
            while self._ending not in dict(poller.poll()):
                self._server.handle_request()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's would look the machine's name up
        self.server_name, self.server_port = _LOOPBACK, self.server_address[1]
        self.setup_environ()


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Log nothing."""

"""Serves a repository's directory over HTTP/1.1, a thread for each connection, and fails as it is told."""

from __future__ import annotations

import ssl
import threading
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

from tpayd.sandbox.updates.faults import Plan, plan
from tpayd_contracts.sandbox_updates import UpdatesBehaviour, UpdatesFault

__all__ = ["UpdateServer"]

_ADDRESS = "127.0.0.1"
_CHUNK_BYTES = 64 * 1024
_TIMESTAMP = "metadata/timestamp.json"
_REMEMBERED = 10_000
_SOCKET_S = 30.0


class UpdateServer:
    """From construction until `close`; it can be used as a context."""

    def __init__(self, directory: Path, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        """Raises OSError where the port is taken; 0 takes any free one."""
        self.directory = directory
        """What is served; may be changed."""
        self.behaviour = UpdatesBehaviour()
        self.asked: deque[tuple[str, str]] = deque(maxlen=_REMEMBERED)
        """Path and Range header of the last requests."""
        self.requests = 0
        self._first_timestamp: bytes | None = None
        self._closing = threading.Event()
        self._turn = threading.Lock()
        self._http = _Http((_ADDRESS, port), _Handler)
        self._http.served = self
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            # Each connection's own thread shakes hands: one that does not must not keep the others waiting.
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="http", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Of the repository."""
        return f"{self._scheme}://{_ADDRESS}:{self._http.server_port}"

    def close(self) -> None:
        """End; what is being sent breaks off."""
        self._closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> UpdateServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def take(self, path: str, asked_range: str) -> tuple[Plan, bytes | Path]:
        """What a request gets, and out of which content. Raises FileNotFoundError."""
        with self._turn:
            self.requests += 1
            self.asked.append((path, asked_range))
            behaviour = self.behaviour
            content = self._content(path, behaviour)
            size = len(content) if isinstance(content, bytes) else content.stat().st_size
            made = plan(path, size, asked_range, behaviour)
            if behaviour.times and made != plan(path, size, asked_range, UpdatesBehaviour()):
                self.behaviour = _once_less(behaviour)
            return made, content

    def pause(self, seconds: float) -> bool:
        """Wait; True where the server is being closed."""
        return self._closing.wait(seconds)

    def _content(self, path: str, behaviour: UpdatesBehaviour) -> bytes | Path:
        parts = path.split("/")
        if parts[0] not in {"metadata", "targets"} or {"", ".", ".."} & set(parts):
            raise FileNotFoundError(path)
        file = self.directory / path
        if not file.is_file():
            raise FileNotFoundError(path)
        if path != _TIMESTAMP:
            return file
        now = file.read_bytes()
        self._first_timestamp = self._first_timestamp or now
        return self._first_timestamp if behaviour.fault is UpdatesFault.STALE else now


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    served: UpdateServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "tpayd-sandbox"
    sys_version = ""
    timeout = _SOCKET_S

    def do_GET(self) -> None:
        served = cast("_Http", self.server).served
        self.close_connection = True
        try:
            made, content = served.take(unquote(urlsplit(self.path).path).lstrip("/"), self.headers.get("Range", ""))
        except FileNotFoundError:
            self._head(Plan(HTTPStatus.NOT_FOUND, said_bytes=0))
            return
        if made.silent:
            while not served.pause(1.0):
                pass
            return
        self._head(made)
        self._body(served, made, content)

    def log_message(self, *_: object) -> None:
        """The service counts requests; it writes no line for each."""

    def _head(self, made: Plan) -> None:
        self.send_response(made.status)
        self.send_header("Connection", "close")
        if made.said_bytes is not None or made.status >= HTTPStatus.BAD_REQUEST:
            self.send_header("Content-Length", str(made.said_bytes or 0))
        if made.content_range:
            self.send_header("Content-Range", made.content_range)
        self.end_headers()

    def _body(self, served: UpdateServer, made: Plan, content: bytes | Path) -> None:
        data = content if isinstance(content, bytes) else content.read_bytes()
        if made.flip_at is not None:
            data = data[: made.flip_at] + bytes([data[made.flip_at] ^ 1]) + data[made.flip_at + 1 :]
        data = data[made.start : made.end]
        if made.bytes_per_s:
            for byte in data:
                self.wfile.write(bytes([byte]))
                if served.pause(1 / made.bytes_per_s):
                    return
            return
        self.wfile.write(data)
        while made.endless and not served.pause(0):
            self.wfile.write(bytes(_CHUNK_BYTES))


def _once_less(behaviour: UpdatesBehaviour) -> UpdatesBehaviour:
    if behaviour.times == 1:
        return UpdatesBehaviour()
    return UpdatesBehaviour(
        behaviour.fault, behaviour.only, behaviour.at_bytes, behaviour.bytes_per_s, behaviour.times - 1
    )

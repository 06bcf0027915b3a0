"""A host that does exactly what a test says, for what the sandbox's host is too polite to do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Self

from tpayd.hosts import MacedMessage, NetworkMessage, SignOn
from tpayd.hosts.framing import Deframer, frame
from tpayd.hosts.iso8583 import host_side

Answers = Callable[[MacedMessage | NetworkMessage], list[bytes]]


def sign_on_only(message: MacedMessage | NetworkMessage) -> list[bytes]:
    """Answers network messages, and nothing else."""
    return [accepted(message)] if isinstance(message, NetworkMessage) else []


def deaf(_: MacedMessage | NetworkMessage) -> list[bytes]:
    """Answers nothing."""
    return []


def refusing(message: MacedMessage | NetworkMessage) -> list[bytes]:
    """Refuses the sign-on with 05."""
    return [accepted(message, "05")] if isinstance(message, SignOn) else []


def accepted(message: NetworkMessage, code: str = "00") -> bytes:
    """A 0810."""
    return host_side.reply_network(message, host_side.NetworkReply(response_code=code))


class FakeHost:
    """Listens on 127.0.0.1; remembers every message that came, on which connection."""

    def __init__(self, answers: Answers = sign_on_only, port: int = 0) -> None:
        self.answers = answers
        self.came: list[tuple[int, MacedMessage | NetworkMessage]] = []
        self.raw: list[bytes] = []
        self.resets = 0
        """Connections that the other end gave up: what had not arrived by then never came."""
        self._server = socket.create_server(("127.0.0.1", port))
        self.port: int = self._server.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many were ever accepted."""
        return len(self._connections)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.hang_up()
        self._thread.join(5)

    def hang_up(self) -> None:
        """End every connection; new ones are still taken."""
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def say(self, message: bytes) -> None:
        """Send something unasked, on the newest connection."""
        self._connections[-1].sendall(frame(message))

    def say_raw(self, data: bytes) -> None:
        """Send bytes that need be no message."""
        self._connections[-1].sendall(data)

    def messages(self, kind: type) -> list[MacedMessage | NetworkMessage]:
        """Of that kind, in the order in which they came."""
        return [message for _, message in self.came if isinstance(message, kind)]

    def signed_on(self) -> int:
        return len(self.messages(SignOn))

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self._connections.append(connection)
                number = len(self._connections) - 1
                threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        try:
            self._hear(number, connection)
        except ConnectionResetError:
            self.resets += 1
        except OSError:
            return

    def _hear(self, number: int, connection: socket.socket) -> None:
        deframer = Deframer()
        while data := connection.recv(65536):
            for found in deframer.feed(data, 0):
                self.raw.append(found.raw)
                if found.raw[2:3] == b"1":  # an answer: 0810
                    continue
                message = host_side.read(found.raw, datetime.now().astimezone().date()).message
                self.came.append((number, message))
                for answer in self.answers(message):
                    connection.sendall(frame(answer))

"""A live gateway before a stub of the transaction service, and a client that can misbehave."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Self

import msgpack  # type: ignore[import-untyped]
import zmq

from tests.harness import Store, eventually
from tpayd.gateway.clients import ClientRegistry
from tpayd_client.key_file import read_key_file
from tpayd_contracts.operation import Right

STUB = Path(__file__).with_name("stub_transaction.py")
HELLO, REQ, PROGRESS, REPLY, ERROR, CANCEL, PING, PONG, EVENT = range(1, 10)


class Shop:
    """One gateway process, one stub process, two registered clients: till-1 (lane 1) and boss (admin)."""

    def __init__(self, directory: Path, **settings: object) -> None:
        self.journal = directory / "journal.jsonl"
        self.store = Store(directory, services=("gateway",), settings={"gateway": settings} if settings else None)
        self.registry = ClientRegistry.open(self.store.instance)
        self.till = self.registry.add("till-1", ("1",), Right.POS)
        self.boss = self.registry.add("boss", ("*",), Right.ADMIN)
        self._stub: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start_stub()
        self.store.__enter__()
        self.wait_connected()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop_stub()
        self.store.__exit__(*error)

    def start_stub(self) -> None:
        """Start it, again if it has ended."""
        if self._stub is not None:
            self._stub.wait(5)
        self._stub = subprocess.Popen([sys.executable, str(STUB), str(self.store.instance.home), str(self.journal)])

    def stop_stub(self) -> None:
        if self._stub is not None:
            self._stub.kill()
            self._stub.wait(5)

    def wait_connected(self) -> None:
        """Until the gateway has its session with the stub."""

        def connected() -> bool:
            health = self.store.health("gateway")
            return health is not None and any(d.ok for d in health.dependencies if d.name == "transaction")

        eventually(connected, timeout_s=10.0, what=lambda: "the gateway connected to the stub")

    def reached(self) -> list[dict[str, Any]]:
        """What came through to the transaction service."""
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def client(self, key_file: Path | None = None, **options: Any) -> RawClient:
        return RawClient(key_file or self.till, **options)


class RawClient:
    """A DEALER that sends whatever it is told, over tcp and CURVE."""

    def __init__(self, key_file: Path, *, curve: bool = True, **keys: str) -> None:
        key = read_key_file(key_file)
        self.name = key.client
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        if curve:
            self.socket.curve_serverkey = keys.get("server", key.server_public_key).encode()
            self.socket.curve_publickey = keys.get("public", key.client_public_key).encode()
            self.socket.curve_secretkey = keys.get("secret", key.client_secret_key).encode()
        self.socket.connect(key.endpoint)
        self.session: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.destroy(linger=0)

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(list(frames))

    def receive(self, timeout_s: float = 3.0) -> list[Any] | None:
        """The next message that is not a PING; None if there is none in time."""
        while self.socket.poll(int(timeout_s * 1000)):
            message: list[Any] = msgpack.unpackb(self.socket.recv())
            if message[1] != PING:
                return message
        return None

    def ask(self, *elements: Any, **changes: Any) -> list[Any]:
        """Send an envelope and return the message that answers it."""
        self.send(frame(*elements, **changes))
        answer = self.receive()
        assert answer is not None, "no answer"
        return answer

    def hello(self, **changes: Any) -> list[Any]:
        body = {"client": self.name, "contract": "1.0"} | changes
        answer = self.ask(HELLO, 1, body=body)
        if answer[1] == REPLY:
            self.session = answer[9]["session"]
        return answer

    def request(self, op: str, body: Any, number: int = 2, *, ttl_ms: int = 5_000, key: str | None = None) -> list[Any]:
        """The message that ends the request; progress is passed over."""
        self.send(frame(REQ, number, op=op, ttl=ttl_ms, key=key, session=self.session, body=body))
        while (answer := self.receive()) is not None:
            if answer[1] != PROGRESS:
                return answer
        raise AssertionError(f"no answer to {op}")

    def sale(self, amount: int = 1_000, number: int = 2, *, lane: str = "1", key: str | None = None) -> list[Any]:
        body = {"lane": lane, "amount": {"total_minor": amount}}
        return self.request("payment.sale", body, number, key=key or str(uuid.uuid4()))


def frame(
    kind: int,
    number: int,
    *,
    op: str = "",
    ttl: Any = 0,
    key: str | None = None,
    session: str | None = None,
    body: Any = None,
    protocol: str = "tpayd1",
) -> bytes:
    elements = [protocol, kind, number, op, ttl, key, None, session, None, {} if body is None else body]
    packed: bytes = msgpack.packb(elements)
    return packed

"""The plain chain: four services on zmq.asyncio and msgpack, as one writes them without thinking about speed.

gateway → transaction → broker, host. A task per message, a future per request, `wait_for` around it, dictionaries for
messages, and one fdatasync per sale in the default thread pool. No ISO 8583, no cryptography, no serial line, no
progress, no lease, no state table: it does far less than tpayd. Run by `python -m tests.bench.plain <service> <dir>`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import zmq
import zmq.asyncio

from tests.bench.processes import Children
from tests.bench.wire import Wire

__all__ = ["PlainLane", "start"]

_ORDER = ("host", "broker", "transaction", "gateway")
_TIMEOUT_S = 30.0
_APPROVED = "approved"

Body = dict[str, Any]


def endpoint(service: str, directory: Path) -> str:
    return f"ipc://{directory}/{service}.plain"


class Client:
    """Calls one service."""

    def __init__(self, context: zmq.asyncio.Context, service: str, directory: Path) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._socket.connect(endpoint(service, directory))
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Body]] = {}
        self._reader = asyncio.create_task(self._read())

    async def call(self, op: str, body: Body) -> Body:
        number = next(self._numbers)
        future: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        await self._socket.send(msgpack.packb({"id": number, "op": op, "body": body}))
        return await asyncio.wait_for(future, _TIMEOUT_S)

    async def _read(self) -> None:
        while True:
            reply = msgpack.unpackb(await self._socket.recv())
            self._waiting.pop(reply["id"]).set_result(reply["body"])


async def serve(
    context: zmq.asyncio.Context, service: str, directory: Path, handle: Callable[[Body], Awaitable[Body]]
) -> None:
    socket = context.socket(zmq.ROUTER)
    socket.bind(endpoint(service, directory))
    print("ready", flush=True)
    tasks: set[asyncio.Task[None]] = set()

    async def answer(peer: bytes, request: Body) -> None:
        body = await handle(request["body"])
        await socket.send_multipart([peer, msgpack.packb({"id": request["id"], "body": body})])

    while True:
        peer, frame = await socket.recv_multipart()
        task = asyncio.create_task(answer(peer, msgpack.unpackb(frame)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


async def run(service: str, directory: Path) -> None:
    """One service, until it is ended."""
    context = zmq.asyncio.Context()

    async def host(body: Body) -> Body:
        return {"code": "00", "approval": "30215512", "stan": body["stan"]}

    async def broker(body: Body) -> Body:
        return {"masked_pan": "476173******0119", "cipher": bytes(48), "ksn": bytes(12), "lane": body["lane"]}

    if service in {"host", "broker"}:
        await serve(context, service, directory, {"host": host, "broker": broker}[service])
    elif service == "gateway":
        transaction = Client(context, "transaction", directory)
        await serve(context, service, directory, lambda body: transaction.call("sale", body))
    else:
        readers, hosts = Client(context, "broker", directory), Client(context, "host", directory)
        journal = os.open(directory / "plain.journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        stans = itertools.count()

        def record(body: Body) -> None:
            os.write(journal, msgpack.packb(body))
            os.fdatasync(journal)

        async def sale(body: Body) -> Body:
            stan = f"{next(stans) % 1_000_000:06d}"
            card = await readers.call("read", {"lane": body["lane"], "amount": body["amount"]})
            answer = await hosts.call("sale", {"stan": stan, "amount": body["amount"], **card})
            number = card["masked_pan"]
            result = {"verdict": _APPROVED, "lane": body["lane"], "stan": stan, "masked_pan": number, **answer}
            await asyncio.get_running_loop().run_in_executor(None, record, result)
            return result

        await serve(context, service, directory, sale)


class PlainLane:
    """A POS of the plain chain."""

    def __init__(self, directory: Path, lane: int) -> None:
        self.wire = Wire.to(endpoint("gateway", directory))
        self._request = {"op": "sale", "body": {"lane": str(lane), "amount": 11_000}}
        self._number = 0

    def send(self) -> None:
        """Ask for a sale."""
        self._number += 1
        self.wire.send(msgpack.packb({"id": self._number, **self._request}))

    def receive(self) -> bool:
        """Take what has come; whether it ends the sale. Raises RuntimeError for anything but an approval."""
        ended = False
        for message in self.wire.receive():
            reply = msgpack.unpackb(message)
            if reply["id"] != self._number or reply["body"]["verdict"] != _APPROVED:
                raise RuntimeError(f"the plain chain answered {reply}")
            ended = True
        return ended


def start(children: Children, directory: Path) -> None:
    """Start every service of the plain chain, and return when all are bound."""
    for service in _ORDER:
        children.start("tests.bench.plain", service, str(directory), ready="ready")


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2])))

"""Some lanes on one connection, as a till server has them: each lane has one sale at a time, and nobody waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from tests.bench.overload.tally import Sale
from tests.bench.wire import Wire
from tpayd.kit.instance import Instance
from tpayd_client import new_request_id
from tpayd_contracts.envelope import PROTOCOL, Envelope, Kind
from tpayd_contracts.errors import ErrorBody
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.money import Amount
from tpayd_contracts.operation import Empty
from tpayd_contracts.orders import SALE, SaleRequest
from tpayd_contracts.payment import PaymentResult
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["Till"]

_TTL_MS = 60_000
_HELLO_NUMBER = 1

_encode = msgspec.msgpack.Encoder().encode
_envelope = msgspec.msgpack.Decoder(Envelope)
_result = msgspec.msgpack.Decoder(PaymentResult)
_error = msgspec.msgpack.Decoder(ErrorBody)
_welcome = msgspec.msgpack.Decoder(Welcome)


class Till:
    """One registered client with its lanes."""

    def __init__(self, home: Path, name: str, lanes: Sequence[str], ended: Callable[[Sale], None]) -> None:
        """`ended` hears of each sale that has its answer."""
        self.lanes = tuple(lanes)
        self.open: dict[int, Sale] = {}
        self.wire = Wire.to(Instance.open(home).public())
        self._ended = ended
        self._number = _HELLO_NUMBER
        self._session: str | None = None
        self._session = self._hello(name)

    def send(self, lane: str, amount_minor: int, due_ns: int) -> Sale:
        """Ask for a sale under a new request id; it was due at `due_ns`."""
        self._number += 1
        key = new_request_id()
        told = self.open[self._number] = Sale(lane, key, amount_minor, due_ns)
        sale = SaleRequest(lane=lane, amount=Amount(total_minor=amount_minor), allow_duplicate=True)
        self._send(Kind.REQ, self._number, SALE.name, sale, key)
        return told

    def receive(self) -> None:
        """Take what has come."""
        for frame in self.wire.receive():
            message = _envelope.decode(frame)
            if message.kind == Kind.PING:
                self._send(Kind.PONG, message.id, "", Empty(), None)
            elif message.kind in (Kind.REPLY, Kind.ERROR):
                # An answer to nothing that is open would be a second one, or another's: neither may be.
                sale = self.open.pop(message.id)
                sale.answered_ns = time.monotonic_ns()
                if message.kind == Kind.ERROR:
                    error = _error.decode(message.body)
                    sale.answer, sale.outcome = str(error.code), str(error.outcome)
                else:
                    result = _result.decode(message.body)
                    sale.answer, sale.outcome = str(result.verdict), str(result.reason or "")
                self._ended(sale)

    def _hello(self, name: str) -> str:
        hello = Hello(client=name, contract=str(CONTRACT_VERSION), software="bench")
        self._send(Kind.HELLO, _HELLO_NUMBER, "", hello, None)
        frames: list[bytes] = []
        while not frames:
            frames = self.wire.receive()
        message = _envelope.decode(frames[0])
        if message.kind != Kind.REPLY:
            raise RuntimeError(f"HELLO was answered by {msgspec.msgpack.decode(message.body)}")
        return _welcome.decode(message.body).session

    def _send(self, kind: Kind, number: int, op: str, body: Struct, key: str | None) -> None:
        head = (PROTOCOL, kind, number, op, _TTL_MS, key, None, self._session, None)
        self.wire.send(_encode(Envelope(*head, Raw(_encode(body)))))

"""A POS of the real chain, as thin as can be: one DEALER, one sale after the other, no progress shown."""

from __future__ import annotations

import uuid
from pathlib import Path

import msgspec
import zmq
from msgspec import Raw, Struct

from tpayd.kit.instance import Instance
from tpayd_contracts.envelope import PROTOCOL, Envelope, Kind
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.money import Amount
from tpayd_contracts.operation import Empty
from tpayd_contracts.orders import SALE, SaleRequest
from tpayd_contracts.payment import PaymentResult, Verdict
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["ChainLane", "client_name"]

_HELLO_WAIT_MS = 5_000
_TTL_MS = 60_000
_FIRST_AMOUNT = 10_100
_AMOUNTS = 800
"""Amounts go around in a range whose last four digits steer no virtual host."""

_encode = msgspec.msgpack.Encoder().encode
_envelope = msgspec.msgpack.Decoder(Envelope)
_result = msgspec.msgpack.Decoder(PaymentResult)


def client_name(lane: int) -> str:
    """How the bench registers the client of a lane."""
    return f"bench-{lane}"


class ChainLane:
    """One lane, on a connection of its own."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], home: Path, lane: int) -> None:
        self.socket = context.socket(zmq.DEALER)
        self.socket.connect(Instance.open(home).public())
        self._lane = str(lane)
        self._number = 0
        self._session = self._hello(client_name(lane))

    def send(self) -> None:
        """Ask for a sale under a new request id."""
        self._number += 1
        amount = Amount(total_minor=_FIRST_AMOUNT + self._number % _AMOUNTS)
        sale = SaleRequest(lane=self._lane, amount=amount, allow_duplicate=True)
        self._send(Kind.REQ, SALE.name, sale, str(uuid.uuid4()), self._session)

    def receive(self, flags: int = 0) -> bool:
        """Take one message; whether it ends the sale. Raises RuntimeError for anything else than PAID."""
        envelope = _envelope.decode(self.socket.recv(flags))
        if envelope.kind == Kind.PROGRESS:
            return False
        if envelope.kind == Kind.PING:
            self._send(Kind.PONG, "", Empty(), None, self._session, envelope.id)
            return False
        if envelope.kind == Kind.REPLY and envelope.id == self._number:
            result = _result.decode(envelope.body)
            if result.verdict is Verdict.PAID:
                return True
        raise RuntimeError(f"lane {self._lane}: {Kind(envelope.kind).name} {msgspec.msgpack.decode(envelope.body)}")

    def _hello(self, name: str) -> str:
        self._send(Kind.HELLO, "", Hello(client=name, contract=str(CONTRACT_VERSION), software="bench"), None, None)
        if not self.socket.poll(_HELLO_WAIT_MS):
            raise TimeoutError(f"no answer to HELLO within {_HELLO_WAIT_MS} ms")
        envelope = _envelope.decode(self.socket.recv())
        if envelope.kind != Kind.REPLY:
            raise RuntimeError(f"HELLO was answered by {msgspec.msgpack.decode(envelope.body)}")
        return msgspec.msgpack.decode(envelope.body, type=Welcome).session

    def _send(
        self, kind: Kind, op: str, body: Struct, key: str | None, session: str | None, number: int | None = None
    ) -> None:
        head = (PROTOCOL, kind, self._number if number is None else number, op, _TTL_MS, key, None, session, None)
        self.socket.send(_encode(Envelope(*head, Raw(_encode(body)))))

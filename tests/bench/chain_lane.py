"""A POS of the real chain, as thin as can be: one connection, one sale after the other, no progress shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Raw, Struct

from tests.bench.wire import Wire
from tpayd.kit.instance import Instance
from tpayd_client import new_request_id
from tpayd_contracts.envelope import PROTOCOL, Envelope, Kind
from tpayd_contracts.gateway import Hello, Welcome
from tpayd_contracts.money import Amount
from tpayd_contracts.operation import Empty
from tpayd_contracts.orders import SALE, SaleRequest
from tpayd_contracts.payment import Verdict
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["ChainLane", "client_name"]

_TTL_MS = 60_000
_FIRST_AMOUNT = 10_100
_AMOUNTS = 800
"""Amounts go around in a range whose last four digits steer no virtual host."""

_encode = msgspec.msgpack.Encoder().encode
_envelope = msgspec.msgpack.Decoder(Envelope)


class _Outcome(Struct):
    """Of a payment's result the one field that is looked at."""

    verdict: Verdict


_outcome = msgspec.msgpack.Decoder(_Outcome)


def client_name(lane: int) -> str:
    """How the bench registers the client of a lane."""
    return f"bench-{lane}"


class ChainLane:
    """One lane, on a connection of its own."""

    def __init__(self, home: Path, lane: int) -> None:
        self.wire = Wire.to(Instance.open(home).public())
        self._lane = str(lane)
        self._number = 0
        self._session = self._hello(client_name(lane))

    def send(self) -> None:
        """Ask for a sale under a new request id."""
        self._number += 1
        amount = Amount(total_minor=_FIRST_AMOUNT + self._number % _AMOUNTS)
        sale = SaleRequest(lane=self._lane, amount=amount, allow_duplicate=True)
        self._send(Kind.REQ, SALE.name, sale, new_request_id(), self._session)

    def receive(self) -> bool:
        """Take what has come; whether it ends the sale. Raises RuntimeError for anything else than PAID."""
        ended = False
        for message in self.wire.receive():
            envelope = _envelope.decode(message)
            if envelope.kind == Kind.PROGRESS:
                continue
            if envelope.kind == Kind.PING:
                self._send(Kind.PONG, "", Empty(), None, self._session, envelope.id)
            elif (
                envelope.kind == Kind.REPLY
                and envelope.id == self._number
                and _outcome.decode(envelope.body).verdict is Verdict.PAID
            ):
                ended = True
            else:
                said = msgspec.msgpack.decode(envelope.body)
                raise RuntimeError(f"lane {self._lane}: {Kind(envelope.kind).name} {said}")
        return ended

    def _hello(self, name: str) -> str:
        self._send(Kind.HELLO, "", Hello(client=name, contract=str(CONTRACT_VERSION), software="bench"), None, None)
        messages: list[bytes] = []
        while not messages:
            messages = self.wire.receive()
        envelope = _envelope.decode(messages[0])
        if envelope.kind != Kind.REPLY:
            raise RuntimeError(f"HELLO was answered by {msgspec.msgpack.decode(envelope.body)}")
        return msgspec.msgpack.decode(envelope.body, type=Welcome).session

    def _send(
        self, kind: Kind, op: str, body: Struct, key: str | None, session: str | None, number: int | None = None
    ) -> None:
        head = (PROTOCOL, kind, self._number if number is None else number, op, _TTL_MS, key, None, session, None)
        self.wire.send(_encode(Envelope(*head, Raw(_encode(body)))))

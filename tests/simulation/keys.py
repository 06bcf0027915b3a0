"""A key manager whose keys are simulated, in front of its real relay. No real key, no real cipher."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from tpayd import hosts
from tpayd.key_manager.relay import Relay
from tpayd.kit.bus import CallError
from tpayd.kit.bus.wire import decode_body
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.keys import (
    DATA_ENCRYPT,
    MAC_EXCHANGE,
    MAC_KEY,
    EncryptData,
    EncryptedData,
    ExchangeMaced,
    FindMacKey,
    FoundMacKey,
    Purpose,
)

if TYPE_CHECKING:
    from tests.simulation.process import Process

__all__ = ["SimKeyManager", "SimKeys", "host_mac", "key_number", "store_mac"]

_MAC_BYTES = 8
_RENEWED_SHARE = 0.1
"""New payments just before which the terminal gets another key."""


def store_mac(ksn: bytes, data: bytes) -> bytes:
    """The store's MAC of a request."""
    return hashlib.blake2b(data, digest_size=_MAC_BYTES, key=b"store" + ksn).digest()


def host_mac(ksn: bytes, data: bytes) -> bytes:
    """The host's MAC of an answer under the request's KSN."""
    return hashlib.blake2b(data, digest_size=_MAC_BYTES, key=b"host" + ksn).digest()


def key_number(ksn: bytes) -> int:
    """Which of its terminal's keys a KSN belongs to."""
    return ksn[8]


class SimKeys:
    """What is on the vault's disk: it outlives every key manager."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.numbers: dict[str, int] = {}

    def key_of(self, terminal_id: str) -> str:
        return f"{terminal_id}/{self.numbers.get(terminal_id, 0)}"

    def renew(self, terminal_id: str) -> None:
        self.numbers[terminal_id] = (self.numbers.get(terminal_id, 0) + 1) % 256

    def next_ksn(self, terminal_id: str, key_id: str) -> bytes:
        counter = self.counters[terminal_id] = self.counters.get(terminal_id, 0) + 1
        return terminal_id.encode() + bytes([int(key_id.partition("/")[2])]) + counter.to_bytes(3, "big")


class _Sealing:
    def __init__(self, ksn: bytes, data: bytes) -> None:
        self.ksn = ksn
        self.mac = store_mac(ksn, data)

    def answered(self, covered: bytes, mac: bytes) -> bool:
        return mac == host_mac(self.ksn, covered)


class SimKeyManager:
    """MACs of terminals, and what goes to the host with them."""

    def __init__(self, process: Process, keys: SimKeys, refusing: float) -> None:
        self._keys = keys
        self._refusing = refusing
        self._chance = random.Random(f"{process.world.seed}:keys:{process.world.incarnations}")
        nobody: Callable[..., Any] = lambda *_: None  # noqa: E731
        self._relay = Relay(
            macs=self, host=process.caller("host_link"), adapter=hosts.load("iso8583"), clock=process.clock,
            log=cast("Any", process.world.log_of(process.name)), verified=nobody, refused=nobody,
        )  # fmt: skip
        process.server.handle(MAC_KEY, self._key_of)
        process.server.handle_raw(MAC_EXCHANGE.name, self._exchange)
        process.server.handle(DATA_ENCRYPT, self._encrypt)

    def seal(self, body: ExchangeMaced) -> _Sealing:
        """As `Macs.seal`."""
        key_id = body.key_id or self._keys.key_of(body.terminal_id)
        if body.purpose is Purpose.NEW_PAYMENT:
            if self._chance.random() < _RENEWED_SHARE:
                self._keys.renew(body.terminal_id)
            self._refuse_now_and_then()
            if body.key_id != self._keys.key_of(body.terminal_id):
                raise _refused("it has another key since", "replaced")
        ksn = self._keys.next_ksn(body.terminal_id, key_id)
        return _Sealing(ksn, body.head + ksn + body.tail)

    def _exchange(self, request: Any) -> None:
        self._relay.exchange(request, decode_body(request.body, ExchangeMaced))

    def _key_of(self, _: object, body: FindMacKey) -> FoundMacKey:
        self._refuse_now_and_then()
        return FoundMacKey(self._keys.key_of(body.terminal_id))

    def _encrypt(self, _: object, body: EncryptData) -> EncryptedData:
        key_id = self._keys.key_of(body.terminal_id)
        return EncryptedData(self._keys.next_ksn(body.terminal_id, key_id), bytes(64), key_id)

    def _refuse_now_and_then(self) -> None:
        if self._chance.random() < self._refusing:
            raise _refused("the key has expired", "expired")


def _refused(text: str, reason: str) -> CallError:
    return CallError(ErrorCode.KEY_UNAVAILABLE, text, outcome=Outcome.NOT_STARTED, detail=reason)

"""A key manager that keeps its promises, and the MACs that host and store share. No real key, no real cipher."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING

from tpayd.kit.bus import CallError
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.keys import (
    DATA_ENCRYPT,
    MAC_GENERATE,
    MAC_VERIFY,
    EncryptData,
    EncryptedData,
    GeneratedMac,
    GenerateMac,
    Purpose,
    VerifiedMac,
    VerifyMac,
)

if TYPE_CHECKING:
    from tests.simulation.process import Process

__all__ = ["SimKeyManager", "host_mac", "store_mac"]

_MAC_BYTES = 8


def store_mac(ksn: bytes, data: bytes) -> bytes:
    """The store's MAC of a request."""
    return hashlib.blake2b(data, digest_size=_MAC_BYTES, key=b"store" + ksn).digest()


def host_mac(ksn: bytes, data: bytes) -> bytes:
    """The host's MAC of an answer under the request's KSN."""
    return hashlib.blake2b(data, digest_size=_MAC_BYTES, key=b"host" + ksn).digest()


class SimKeyManager:
    """MACs of terminals. Its counters are kept across restarts, as the vault's are."""

    def __init__(self, process: Process, counters: dict[str, int], refusing: float) -> None:
        self._counters = counters
        self._refusing = refusing
        self._chance = random.Random(f"{process.world.seed}:keys:{process.world.incarnations}")
        process.server.handle(MAC_GENERATE, self._generate)
        process.server.handle(MAC_VERIFY, self._verify)
        process.server.handle(DATA_ENCRYPT, self._encrypt)

    def _generate(self, _: object, body: GenerateMac) -> GeneratedMac:
        if body.purpose is Purpose.NEW_PAYMENT and self._chance.random() < self._refusing:
            raise CallError.not_started(ErrorCode.KEY_UNAVAILABLE, "the key has expired")
        ksn = self._next_ksn(body.terminal_id)
        return GeneratedMac(ksn, store_mac(ksn, body.head + ksn + body.tail), f"key-{body.terminal_id}")

    def _encrypt(self, _: object, body: EncryptData) -> EncryptedData:
        return EncryptedData(self._next_ksn(body.terminal_id), bytes(64), f"key-{body.terminal_id}")

    def _next_ksn(self, terminal_id: str) -> bytes:
        counter = self._counters[terminal_id] = self._counters.get(terminal_id, 0) + 1
        return terminal_id.encode() + counter.to_bytes(4, "big")

    def _verify(self, _: object, body: VerifyMac) -> VerifiedMac:
        return VerifiedMac(body.mac == host_mac(body.ksn, body.data))

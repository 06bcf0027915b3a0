"""A virtual reader's memory: its initial key, its DUKPT counter and the number of its last key exchange.

On disk it is sealed (AES-256-GCM, bound to the reader's identity) under a secret of this instance in `secrets/`: no key
lies in clear in any file. Counters are reserved in blocks: a crash skips numbers and repeats none.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from tpayd.crypto.check_value import check_value
from tpayd.crypto.dukpt import Derivation, Usage, make_ksn, next_counter
from tpayd.crypto.exchange import Pending, Role, begin, finish
from tpayd.crypto.pin import encrypt_pin_block
from tpayd.crypto.track import encrypt_track
from tpayd.sandbox.secrets import sandbox_transport_key

__all__ = ["COUNTER_BLOCK", "Vault", "instance_secret"]

COUNTER_BLOCK = 256
_SECRET_BYTES = 32
_NONCE_BYTES = 12


class _Memory(Struct):
    sequence: int = 0
    """Of the last key exchange that was begun."""
    ikid: bytes = b""
    initial_key: bytes = b""
    reserved_counter: int = 0
    """Every counter up to this may have been used."""


class Vault:
    """See the module. Without a path all is forgotten with the process. Raises OSError where the disk takes nothing."""

    def __init__(self, path: Path | None, reader_id: str, secret: bytes) -> None:
        self._path = path
        self.reader_id = reader_id
        self._seal = AESGCM(secret)
        self._memory = self._load()
        self._pending: Pending | None = None
        self._counter = self._memory.reserved_counter
        self._derivation = self._derive()

    @property
    def key_loaded(self) -> bool:
        return self._derivation is not None

    @property
    def check_value(self) -> str:
        """Of the key that it holds; empty without one."""
        return check_value(self._memory.initial_key) if self.key_loaded else ""

    def prepare(self, unix_ms: int) -> bytes:
        """Begin a key exchange: the reader's 128 bytes."""
        memory = self._memory
        memory.sequence = max(unix_ms, memory.sequence + 1)
        self._store()
        transport = sandbox_transport_key(Role.READER, self.reader_id)
        self._pending = begin(Role.READER, self.reader_id, transport, memory.sequence)
        return self._pending.request

    def inject(self, blob: bytes) -> str | None:
        """End it with the host's 48 bytes: the new key's check value, or None for a key that is not to be trusted.

        Raises ExchangeError.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return None
        received = finish(pending, blob, sandbox_transport_key(Role.READER, self.reader_id))
        memory = self._memory
        if received.ikid != memory.ikid or received.initial_key != memory.initial_key:
            memory.ikid, memory.initial_key, memory.reserved_counter = received.ikid, received.initial_key, 0
            self._counter = 0
            self._store()
            self._derivation = self._derive()
        return check_value(received.initial_key)

    def wipe(self) -> None:
        """Forget the key; the number of the last exchange stays."""
        self._memory = _Memory(sequence=self._memory.sequence)
        self._counter, self._derivation, self._pending = 0, None, None
        self._store()

    def encrypt(self, track: str) -> tuple[bytes, bytes]:
        """KSN and cipher of a track under the next key. Only where `key_loaded`. Raises CounterExhaustedError."""
        ksn, derivation, counter = self._next_key()
        return ksn, encrypt_track(derivation.working_key(counter, Usage.DATA_ENCRYPTION), track)

    def encrypt_pin(self, pin: str, pan: str) -> tuple[bytes, bytes]:
        """KSN and PIN block under the next key. Only where `key_loaded`. Raises CounterExhaustedError."""
        ksn, derivation, counter = self._next_key()
        return ksn, encrypt_pin_block(derivation.working_key(counter, Usage.PIN_ENCRYPTION), pin, pan)

    def _next_key(self) -> tuple[bytes, Derivation, int]:
        derivation = self._derivation
        assert derivation is not None  # noqa: S101
        counter = self._counter = next_counter(self._counter)
        memory = self._memory
        if counter > memory.reserved_counter:
            memory.reserved_counter = counter + COUNTER_BLOCK
            self._store()
        return make_ksn(derivation.ikid, counter), derivation, counter

    def _derive(self) -> Derivation | None:
        memory = self._memory
        return Derivation(memory.initial_key, memory.ikid) if memory.initial_key else None

    def _load(self) -> _Memory:
        if self._path is None:
            return _Memory()
        try:
            sealed = self._path.read_bytes()
        except FileNotFoundError:
            return _Memory()
        try:
            clear = self._seal.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self.reader_id.encode())
            return msgspec.msgpack.decode(clear, type=_Memory)
        except (InvalidTag, msgspec.DecodeError, ValueError):
            # Another instance's file, or a torn one: a real reader would have lost its key, too.
            return _Memory()

    def _store(self) -> None:
        if self._path is None:
            return
        nonce = os.urandom(_NONCE_BYTES)
        clear = msgspec.msgpack.encode(self._memory)
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(nonce + self._seal.encrypt(nonce, clear, self.reader_id.encode()))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def instance_secret(path: Path) -> bytes:
    """The secret that seals this instance's virtual readers; made at first use, mode 0600. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_SECRET_BYTES))
    return path.read_bytes()

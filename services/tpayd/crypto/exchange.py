"""The key exchange: two messages that bring an initial key from the host to a reader or a terminal, mutually proven.

Owner and host share a transport key from the factory or the contract. The owner's request is 128 bytes, the host's
answer 48, as the frames of Korean secure readers ask for; terminals use the same two messages.

    request   tag (4) | owner (32, ASCII, spaces) | sequence (8, big endian) | random (16) | zeros (52) | proof (16)
    answer    IKID (8) | host random (16) | sealed initial key (24)

    proof     AES-CMAC under KDF(transport key, tag | "proof") over all bytes before it
    sealed    AES key wrap (RFC 3394, NIST SP 800-38F) of the initial key under
              KDF(transport key, tag | "seal" | owner | sequence | random | IKID | host random)
    KDF       AES-CMAC(transport key, 01 | label | 00 | context | 0080)         NIST SP 800-108, counter mode, one block
    tag       "TKXR" for readers, "TKXT" for terminals: neither passes for the other

The key that seals depends on the owner's random and on all that the answer says in clear. So an owner that unwraps it
knows that the host holds the transport key, has seen this very request, and means this IKID: an answer to another
request, for another owner, with another IKID or a changed bit does not unwrap. The host knows the owner by its proof,
and a request sent again by its sequence number, which grows with every exchange.

A life: `begin` (owner) → `owner_of`, `accept`, `answer` (host) → `finish` (owner). The host must keep the sequence that
`accept` returns, before it answers. Everything is a value: the caller stores, sends and waits.
"""

from __future__ import annotations

import enum
import hmac
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from tpayd.crypto.check_value import check_value
from tpayd.crypto.dukpt import IKID_BYTES
from tpayd.crypto.errors import (
    ExchangeFormatError,
    InitialKeyIdMismatchError,
    KeySizeError,
    NotGenuineError,
    ReplayedError,
    WrongOwnerError,
)
from tpayd.crypto.mac import cmac

__all__ = [
    "ANSWER_BYTES",
    "INITIAL_KEY_BYTES",
    "OWNER_CHARS",
    "RANDOM_BYTES",
    "REQUEST_BYTES",
    "Accepted",
    "Pending",
    "Received",
    "Role",
    "accept",
    "answer",
    "begin",
    "finish",
    "ikid_of",
    "owner_of",
    "transport_key",
]

REQUEST_BYTES = 128
ANSWER_BYTES = 48
OWNER_CHARS = 32
RANDOM_BYTES = 16
INITIAL_KEY_BYTES = 16

_REQUEST = struct.Struct(">4s32sQ16s52x16s")
_ANSWER = struct.Struct(">8s16s24s")
_PROVEN_BYTES = REQUEST_BYTES - 16


class Role(enum.Enum):
    """Who gets the key. The value is the request's tag, and enters every derived key."""

    READER = b"TKXR"
    TERMINAL = b"TKXT"


@dataclass(frozen=True)
class Pending:
    """An exchange that the owner has begun. `request` goes to the host; the rest stays, in memory only."""

    role: Role
    owner: str
    sequence: int
    random: bytes = field(repr=False)
    request: bytes = field(repr=False)


@dataclass(frozen=True)
class Accepted:
    """A request that the host has found genuine and new."""

    role: Role
    owner: str
    sequence: int
    random: bytes = field(repr=False)


@dataclass(frozen=True)
class Received:
    """The initial key, as its owner unwrapped it."""

    ikid: bytes
    check_value: str
    initial_key: bytes = field(repr=False)


def transport_key(master: bytes, role: Role, owner: str) -> bytes:
    """The transport key of one owner, from a master that makes them all (a factory's, or the sandbox's).

    Raises:
        KeySizeError: the master is not an AES key.
        ExchangeFormatError: the owner's name does not fit.
    """
    return _kdf(master, role.value + b"transport", _owner_field(owner))


def begin(
    role: Role,
    owner: str,
    key: bytes,
    sequence: int,
    random: Callable[[int], bytes] = os.urandom,
) -> Pending:
    """The owner's first step: a request under the transport key `key`.

    `sequence` must be above that of all earlier exchanges of this owner; milliseconds since 1970, never going back, do.

    Raises:
        ExchangeFormatError: the owner's name is empty, longer than 32 ASCII characters, or ends with a space; or the
            sequence is not in 1..2^64-1.
        KeySizeError: `key` is not an AES key.
    """
    if not 0 < sequence < 1 << 64:
        raise ExchangeFormatError("the sequence number of a key exchange is in 1..2^64-1")
    nonce = random(RANDOM_BYTES)
    unproven = _REQUEST.pack(role.value, _owner_field(owner), sequence, nonce, bytes(16))[:_PROVEN_BYTES]
    return Pending(role, owner, sequence, nonce, unproven + _proof(role, key, unproven))


def owner_of(request: bytes) -> str:
    """Whom a request names, so that the host can look the transport key up. Not proven until `accept`.

    Raises:
        ExchangeFormatError: not a request.
    """
    return _parse_request(request)[1]


def ikid_of(answer_: bytes) -> bytes:
    """The IKID that an answer names, for whoever relays it without the transport key. Not proven until `finish`.

    Raises:
        ExchangeFormatError: not 48 bytes.
    """
    return _parse_answer(answer_)[0]


def accept(
    role: Role,
    request: bytes,
    key: bytes,
    last_sequence: int,
    expected_owner: str | None = None,
) -> Accepted:
    """The host's first step: check a request under the owner's transport key.

    `last_sequence` is that of the last request accepted from this owner, 0 if none.

    Raises:
        ExchangeFormatError: not a request, or one for the other role.
        WrongOwnerError: it names another owner than `expected_owner` (the terminal that sent it, say).
        NotGenuineError: the proof does not hold.
        ReplayedError: its sequence is not above `last_sequence`.
        KeySizeError: `key` is not an AES key.
    """
    sent_role, owner, sequence, nonce, proof = _parse_request(request)
    if sent_role is not role:
        raise ExchangeFormatError(f"a key exchange request of a {sent_role.name.lower()}, not of a {role.name.lower()}")
    if expected_owner is not None and owner != expected_owner:
        raise WrongOwnerError("the key exchange request names another owner than the one expected")
    if not hmac.compare_digest(_proof(role, key, request[:_PROVEN_BYTES]), proof):
        raise NotGenuineError("the key exchange request is not proven: altered, or another transport key")
    if sequence <= last_sequence:
        raise ReplayedError(f"key exchange request {sequence} is not above the last one, {last_sequence}")
    return Accepted(role, owner, sequence, nonce)


def answer(
    accepted: Accepted,
    key: bytes,
    ikid: bytes,
    initial_key: bytes,
    random: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """The host's second step: 48 bytes that only this owner, in this exchange, can open.

    Raises:
        KeySizeError: `key` is no AES key, the IKID not 8 bytes, or the initial key not 16 (all that 48 bytes hold).
    """
    if len(ikid) != IKID_BYTES:
        raise KeySizeError(f"an initial key identifier has {IKID_BYTES} bytes, not {len(ikid)}")
    if len(initial_key) != INITIAL_KEY_BYTES:
        raise KeySizeError(f"a key exchange carries initial keys of {INITIAL_KEY_BYTES} bytes, not {len(initial_key)}")
    host_random = random(RANDOM_BYTES)
    seal = _seal_key(accepted.role, key, accepted.owner, accepted.sequence, accepted.random, ikid, host_random)
    return _ANSWER.pack(ikid, host_random, aes_key_wrap(seal, initial_key))


def finish(pending: Pending, answer_: bytes, key: bytes, told_ikid: bytes | None = None) -> Received:
    """The owner's second step: open the host's answer to this request.

    Where the IKID is told beside the answer as well, `told_ikid` is compared with the sealed one.

    Raises:
        ExchangeFormatError: not 48 bytes.
        NotGenuineError: altered, an answer to another request, for another owner, or under another transport key.
        InitialKeyIdMismatchError: `told_ikid` is another.
        KeySizeError: `key` is not an AES key.
    """
    ikid, host_random, sealed = _parse_answer(answer_)
    seal = _seal_key(pending.role, key, pending.owner, pending.sequence, pending.random, ikid, host_random)
    try:
        initial_key = aes_key_unwrap(seal, sealed)
    except InvalidUnwrap:
        raise NotGenuineError("the key exchange answer does not open: altered, or not for this request") from None
    if told_ikid is not None and told_ikid != ikid:
        raise InitialKeyIdMismatchError("the key's identity told beside the answer is not the sealed one")
    return Received(ikid, check_value(initial_key), initial_key)


def _parse_request(request: bytes) -> tuple[Role, str, int, bytes, bytes]:
    if len(request) != REQUEST_BYTES:
        raise ExchangeFormatError(f"a key exchange request has {REQUEST_BYTES} bytes, not {len(request)}")
    tag, owner, sequence, nonce, proof = _REQUEST.unpack(request)
    name = owner.decode("latin-1").rstrip(" ")
    _owner_field(name)
    try:
        return Role(tag), name, sequence, nonce, proof
    except ValueError:
        raise ExchangeFormatError("not a key exchange request: its tag is unknown") from None


def _parse_answer(answer_: bytes) -> tuple[bytes, bytes, bytes]:
    if len(answer_) != ANSWER_BYTES:
        raise ExchangeFormatError(f"a key exchange answer has {ANSWER_BYTES} bytes, not {len(answer_)}")
    ikid, host_random, sealed = _ANSWER.unpack(answer_)
    return ikid, host_random, sealed


def _owner_field(owner: str) -> bytes:
    if not 0 < len(owner) <= OWNER_CHARS or not (owner.isascii() and owner.isprintable()) or owner.endswith(" "):
        raise ExchangeFormatError(f"a key's owner is named by 1 to {OWNER_CHARS} ASCII characters, no space at the end")
    return owner.encode("ascii").ljust(OWNER_CHARS)


def _proof(role: Role, key: bytes, unproven: bytes) -> bytes:
    return cmac(_kdf(key, role.value + b"proof", b""), unproven)


def _seal_key(
    role: Role, key: bytes, owner: str, sequence: int, random: bytes, ikid: bytes, host_random: bytes
) -> bytes:
    context = _owner_field(owner) + sequence.to_bytes(8, "big") + random + ikid + host_random
    return _kdf(key, role.value + b"seal", context)


def _kdf(key: bytes, label: bytes, context: bytes) -> bytes:
    # Every part but the label is of fixed length, so no two contexts read the same.
    return cmac(key, b"\x01" + label + b"\x00" + context + b"\x00\x80")

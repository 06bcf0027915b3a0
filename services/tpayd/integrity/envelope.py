"""The signature around a manifest: DSSE, the 'Dead Simple Signing Envelope' 1.0, with Ed25519 (RFC 8032).

DSSE signs the type together with the content (`PAE`), so a list of one kind is never taken for one of the other.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from tpayd.integrity.errors import ManifestError

__all__ = ["Signed", "key_id", "open_envelope", "seal"]


class _Signature(Struct, frozen=True):
    keyid: str
    sig: str


class _Envelope(Struct, frozen=True):
    payload_type: str = msgspec.field(name="payloadType")
    payload: str
    signatures: tuple[_Signature, ...]


class Signed(Struct, frozen=True):
    """A payload whose signature counts."""

    payload: bytes
    key_id: str
    """Of the key that signed it."""


def key_id(key: Ed25519PublicKey) -> str:
    """A public key's name: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def seal(payload_type: str, payload: bytes, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The envelope, signed by each of the keys."""
    signed = _pae(payload_type, payload)
    signatures = tuple(
        _Signature(key_id(key.public_key()), base64.b64encode(key.sign(signed)).decode()) for key in keys
    )
    return msgspec.json.encode(_Envelope(payload_type, base64.b64encode(payload).decode(), signatures))


def open_envelope(envelope: bytes, payload_type: str, trusted: Mapping[str, Ed25519PublicKey]) -> Signed:
    """The payload, if one of the trusted keys (by their id) has signed it as of this type.

    Raises ManifestError.
    """
    try:
        told = msgspec.json.decode(envelope, type=_Envelope)
        payload = base64.b64decode(told.payload, validate=True)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ManifestError("is damaged: it is not a signed envelope") from None
    if told.payload_type != payload_type:
        raise ManifestError(f"is of another kind: {told.payload_type!r}, not {payload_type!r}")
    signed = _pae(payload_type, payload)
    known = [each for each in told.signatures if each.keyid in trusted]
    for each in known:
        try:
            trusted[each.keyid].verify(base64.b64decode(each.sig, validate=True), signed)
        except (InvalidSignature, ValueError):
            continue
        return Signed(payload, each.keyid)
    if known:
        raise ManifestError("was altered after it had been signed")
    signers = ", ".join(each.keyid[:16] for each in told.signatures[:4]) or "nobody"
    raise ManifestError(f"is signed by {signers}, whose key this instance does not trust")


def _pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what is signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)

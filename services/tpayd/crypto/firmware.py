"""Mutual authentication before a reader takes firmware, both sides as values (docs/reader-protocol.md, 52 to 57).

What the vendor has signed (Ed25519, RFC 8032), under a key that his readers hold from the factory:

    certificate of a reader   over "TPFC" | id (32) | serial number (10) | the reader's X25519 key (32)
    ticket of an image        over "TPFT" | model (16) | mode (8) | version (5) | size (10 digits) | SHA-256 (32)

What goes over the line:

    proof of the reader, 53   X25519 key (32) | certificate (64) | random (32)
    ours, 54                  date (14) | X25519 key, of this session (32) | model | mode | version | size | SHA-256
                              | ticket

    session key   HKDF-SHA256 (RFC 5869) of the X25519 secret (RFC 7748); salt: the reader's random;
                  info: "TPFS" | id | serial number | our X25519 key | SHA-256; 32 bytes
    file key, 55  AES-CMAC under it over "55" | result | message | chunk size: only the reader with that certificate
                  can make it, for this session and this image
    seal, 56      AES-CMAC under it over "56" | the frame's data before the seal

So the reader takes only what the vendor has signed for its model; we give it only to a reader that the vendor has made;
and nobody on the line can change, leave out, or put in a chunk. Text fields are ASCII with spaces behind.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from tpayd.crypto.errors import ExchangeFormatError, NotGenuineError
from tpayd.crypto.mac import cmac

__all__ = [
    "PROOF_BYTES",
    "SEAL_BYTES",
    "SEED_BYTES",
    "Image",
    "Offer",
    "ReaderProof",
    "certify",
    "checked_proof",
    "file_key",
    "is_sealed",
    "offer_of",
    "our_key",
    "our_session",
    "parse_offer",
    "proof_of",
    "public_of",
    "reader_key",
    "seal",
    "ticket",
]

PROOF_BYTES = 128
SEAL_BYTES = 16
SEED_BYTES = 32

_IMAGE = struct.Struct("16s8s5s10s32s")
_PROOF = struct.Struct("32s64s32s")
_OFFER = struct.Struct("14s32s71s64s")


class Image(Struct, frozen=True):
    """What a vendor signs of an image of firmware."""

    model: str
    mode: str
    """The communication mode that it is for; "any" where there is but one."""
    version: str
    size_bytes: int
    sha256: bytes

    def packed(self) -> bytes:
        """As it is signed and sent. Raises ExchangeFormatError for what does not fit."""
        fields = (self.model, 16), (self.mode, 8), (self.version, 5)
        for value, width in fields:
            if not (value.isascii() and value.isprintable() and len(value) <= width) or value != value.strip():
                raise ExchangeFormatError(f"{value!r} is not {width} printable ASCII characters at most")
        if not 0 < self.size_bytes < 10**10 or len(self.sha256) != 32:
            raise ExchangeFormatError("an image has a size above 0, and a SHA-256 of 32 bytes")
        texts = (value.encode("ascii").ljust(width) for value, width in fields)
        return _IMAGE.pack(*texts, b"%010d" % self.size_bytes, self.sha256)


@dataclass(frozen=True)
class ReaderProof:
    """What a reader has shown in its answer 53, found genuine."""

    reader_id: str
    serial_number: str
    public: bytes
    random: bytes = field(repr=False)


@dataclass(frozen=True)
class Offer:
    """What a reader finds in 54."""

    public: bytes
    image: Image
    ticket: bytes = field(repr=False)


# The vendor


def public_of(vendor_seed: bytes) -> bytes:
    """The vendor's public key, 32 bytes: what his readers and his signed descriptions hold."""
    return Ed25519PrivateKey.from_private_bytes(vendor_seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def certify(vendor_seed: bytes, reader_id: str, serial_number: str, public: bytes) -> bytes:
    """The certificate that a reader gets in the factory."""
    return Ed25519PrivateKey.from_private_bytes(vendor_seed).sign(_certified(reader_id, serial_number, public))


def ticket(vendor_seed: bytes, image: Image) -> bytes:
    """The vendor's word that his readers of that model may take this image. Raises ExchangeFormatError."""
    return Ed25519PrivateKey.from_private_bytes(vendor_seed).sign(b"TPFT" + image.packed())


# Our side


def our_key(seed: bytes) -> bytes:
    """The public half of a session's key, of which `seed` (32 random bytes, used once) is the private one."""
    return _public(X25519PrivateKey.from_private_bytes(seed))


def checked_proof(vendor: bytes, reader_id: str, serial_number: str, proof: bytes) -> ReaderProof:
    """What 53 proves. Raises NotGenuineError: no reader that this vendor has made; ExchangeFormatError."""
    if len(proof) != PROOF_BYTES:
        raise ExchangeFormatError(f"a reader's proof has {PROOF_BYTES} bytes, not {len(proof)}")
    public, certificate, random = _PROOF.unpack(proof)
    _verify(vendor, certificate, _certified(reader_id, serial_number, public), "the reader's certificate")
    return ReaderProof(reader_id, serial_number, public, random)


def offer_of(at: str, public: bytes, image: Image, signed: bytes) -> bytes:
    """The data of 54. Raises ExchangeFormatError."""
    if len(signed) != 64 or len(at) != 14:
        raise ExchangeFormatError("a ticket has 64 bytes, a local time 14 digits")
    return _OFFER.pack(at.encode("ascii"), public, image.packed(), signed)


def reader_key(seed: bytes, proof: ReaderProof, sha256: bytes) -> bytes:
    """The session key, on our side. Raises NotGenuineError for a key that no reader has."""
    private = X25519PrivateKey.from_private_bytes(seed)
    return _session(private, proof.public, proof.random, proof.reader_id, proof.serial_number, _public(private), sha256)


# The reader's side


def proof_of(seed: bytes, certificate: bytes, random: bytes) -> bytes:
    """The 128 bytes of 53."""
    return _PROOF.pack(_public(X25519PrivateKey.from_private_bytes(seed)), certificate, random)


def parse_offer(vendor: bytes, data: bytes) -> Offer:
    """What 54 offers. Raises ExchangeFormatError, and NotGenuineError for what the vendor has not signed."""
    if len(data) != _OFFER.size:
        raise ExchangeFormatError(f"54 has {_OFFER.size} bytes, not {len(data)}")
    _, public, packed, signed = _OFFER.unpack(data)
    _verify(vendor, signed, b"TPFT" + packed, "the ticket")
    model, mode, version, size, sha256 = _IMAGE.unpack(packed)
    named = (part.decode("ascii").rstrip() for part in (model, mode, version))
    return Offer(public, Image(next(named), next(named), next(named), int(size), sha256), signed)


def our_session(seed: bytes, random: bytes, reader_id: str, serial_number: str, offer: Offer) -> bytes:
    """The session key, on the reader's side. Raises NotGenuineError."""
    private = X25519PrivateKey.from_private_bytes(seed)
    return _session(private, offer.public, random, reader_id, serial_number, offer.public, offer.image.sha256)


# Both


def file_key(session: bytes, result: bytes, message: bytes, chunk: bytes) -> str:
    """The reader's proof in 55, 32 hexadecimal digits."""
    return cmac(session, b"55" + result + message + chunk).hex().upper()


def seal(session: bytes, data: bytes) -> bytes:
    """What stands behind the data of a 56."""
    return cmac(session, b"56" + data)


def is_sealed(session: bytes, data: bytes, told: bytes) -> bool:
    """Whether `told` is the seal of `data`."""
    return hmac.compare_digest(seal(session, data), told)


def _public(private: X25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _certified(reader_id: str, serial_number: str, public: bytes) -> bytes:
    return b"TPFC" + reader_id.encode("ascii").ljust(32) + serial_number.encode("ascii").ljust(10) + public


def _verify(vendor: bytes, signature: bytes, data: bytes, what: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(vendor).verify(signature, data)
    except (InvalidSignature, ValueError):
        raise NotGenuineError(f"{what} is not the vendor's") from None


def _session(
    private: X25519PrivateKey,
    peer: bytes,
    random: bytes,
    reader_id: str,
    serial_number: str,
    ours: bytes,
    sha256: bytes,
) -> bytes:
    try:
        secret = private.exchange(X25519PublicKey.from_public_bytes(peer))
    except ValueError:
        raise NotGenuineError("the other side's key is none") from None
    names = reader_id.encode("ascii").ljust(32) + serial_number.encode("ascii").ljust(10)
    info = b"TPFS" + names + ours + sha256
    return HKDF(hashes.SHA256(), 32, salt=random, info=info).derive(secret)

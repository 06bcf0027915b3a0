"""Keys that sign metadata, and what a signer is shown before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, Root, Targets

from ops.release.errors import ReleaseToolError
from tpayd.integrity.trust import load_signing_key, make_signing_key

__all__ = ["describe", "load_key", "make_key", "public_file", "read_public"]


def make_key(path: Path, passphrase: bytes | None = None) -> SSlibKey:
    """A private key in `path` and its public half in `path` + `.pub`. Raises TrustFileError, OSError."""
    key = make_signing_key(path, passphrase)
    public_file(path).write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return SSlibKey.from_crypto(key.public_key())


def public_file(path: Path) -> Path:
    """Where the public half of a private key lies: what other machines get."""
    return path.with_name(path.name + ".pub")


def load_key(path: Path, passphrase: bytes | None = None) -> CryptoSigner:
    """A private key, to sign with. Raises TrustFileError."""
    key: Ed25519PrivateKey = load_signing_key(path, passphrase)
    return CryptoSigner(key)


def read_public(path: Path) -> SSlibKey:
    """The public half of a key. Raises ReleaseToolError."""
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ReleaseToolError(f"{path} is no public key (PEM): {error}; name the .pub file of the key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ReleaseToolError(f"{path} holds another kind of key than Ed25519")
    return SSlibKey.from_crypto(key)


def describe(metadata: Metadata[Any], role: str) -> str:
    """What this metadata says, for whoever is to sign it: read it before."""
    signed = metadata.signed
    lines = [f"{role}, version {signed.version}, valid until {signed.expires:%Y-%m-%d}"]
    if isinstance(signed, Root):
        lines += [
            f"  {name}: {each.threshold} of {len(each.keyids)}: {', '.join(sorted(key[:16] for key in each.keyids))}"
            for name, each in sorted(signed.roles.items())
        ]
    if isinstance(signed, Targets):
        for name, delegated in (signed.delegations.roles or {} if signed.delegations else {}).items():
            keys = ", ".join(sorted(key[:16] for key in delegated.keyids))
            paths = " ".join(delegated.paths or [])
            lines.append(f"  {name}: {delegated.threshold} of {len(delegated.keyids)}: {keys}, for {paths}")
        lines += [
            f"  {path}  {file.length} bytes  {file.hashes['sha256']}" for path, file in sorted(signed.targets.items())
        ]
    return "\n".join(lines)

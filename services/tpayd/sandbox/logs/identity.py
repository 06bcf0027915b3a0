"""Who the sandbox's server is, and who may come: fixed and public, so that a sandbox knows its server from the start.

No live store may ever pin this key.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

__all__ = ["INCOMING", "PASSWORD", "USER", "host_key", "private_host_key"]

USER = "sandbox-store"
PASSWORD = "sandbox-logs"  # noqa: S105  no secret, see above
INCOMING = "incoming"
_SEED = b"SANDBOX-LOGS-HOST-KEY-32-BYTES!!"


def host_key() -> str:
    """The server's public key, as `destination.host_key` takes it."""
    key = Ed25519PrivateKey.from_private_bytes(_SEED).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def private_host_key() -> bytes:
    """The server's own half, as OpenSSH keeps it."""
    key = Ed25519PrivateKey.from_private_bytes(_SEED)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

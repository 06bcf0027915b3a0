"""Who the sandbox's server is, and who may come: fixed and public, so that a sandbox knows its server from the start.

No live store may ever pin this key.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

__all__ = ["INCOMING", "PASSWORD", "RECIPIENT", "USER", "VENDOR_KEY", "host_key", "private_host_key"]

USER = "sandbox-store"
PASSWORD = "sandbox-logs"  # noqa: S105  no secret, see above
INCOMING = "incoming"
RECIPIENT = "age185tyqvml0t56c9w5m33wtp3ahxtmvrzsm7gfuw4raeta268yju0sgxh53f"
"""To which a sandbox encrypts its logs."""
VENDOR_KEY = "AGE-SECRET-KEY-1CRXLFQD4CCZMLUS526WF9SY84246XVUKKZV56YH3TRGTTPDUANGQVEMVDC"
"""Opens what a sandbox has encrypted: everybody may."""
_SEED = b"SANDBOX-LOGS-HOST-KEY-32-BYTES!!"


def host_key() -> str:
    """The server's public key, as `destination.host_key` takes it."""
    key = Ed25519PrivateKey.from_private_bytes(_SEED).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")


def private_host_key() -> bytes:
    """The server's own half, as OpenSSH keeps it."""
    key = Ed25519PrivateKey.from_private_bytes(_SEED)
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

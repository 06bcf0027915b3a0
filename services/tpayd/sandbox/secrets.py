"""The sandbox's secrets, which are none: fixed and public, so that readers, terminals and host of any sandbox agree.

No key here may ever protect real money; they are accepted only where the store's settings say `sandbox = true`.
"""

from __future__ import annotations

from tpayd.crypto.exchange import Role, transport_key

__all__ = ["BDK", "FIRMWARE_VENDOR_SEED", "PAN_TOKEN_KEY", "PIN", "sandbox_transport_key"]

BDK: dict[Role, bytes] = {
    Role.READER: b"SANDBOX-READER-B",
    Role.TERMINAL: b"SANDBOX-TERMNL-B",
}
"""Base derivation keys of the virtual host: every initial key that it gives out comes from one of them."""

PAN_TOKEN_KEY = b"SANDBOX-PAN-TOKEN-KEY-32-BYTES!!"
"""Under which the virtual host turns a card number into a token."""

FIRMWARE_VENDOR_SEED = b"SANDBOX-FIRMWARE-VENDOR-32-BYTES"
"""Private Ed25519 key of the virtual readers' vendor, who signs their certificates and their images."""

PIN = "1234"
"""The PIN of a card for which the sandbox's list has none."""

_MASTER: dict[Role, bytes] = {
    Role.READER: b"SANDBOX-READER-M",
    Role.TERMINAL: b"SANDBOX-TERMNL-M",
}


def sandbox_transport_key(role: Role, owner: str) -> bytes:
    """The transport key that reader or terminal `owner` shares with the virtual host from the start."""
    return transport_key(_MASTER[role], role, owner)

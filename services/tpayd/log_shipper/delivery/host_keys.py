"""A server's SSH host key, and whether it is the pinned one."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import asyncssh

__all__ = ["ALGORITHMS", "HostKey", "algorithms_for"]

ALGORITHMS: dict[str, tuple[str, ...]] = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""Types of host keys, best first, each with the signatures that it may make (RFC 8332: never SHA-1)."""


@dataclass(frozen=True)
class HostKey:
    """As people compare it."""

    line: str
    """Type and key, as in known_hosts and in `host_key`."""
    fingerprint: str
    """SHA256:…, as `ssh-keygen -l` prints it."""

    @classmethod
    def of(cls, key: asyncssh.SSHKey) -> Self:
        kind, blob = key.export_public_key("openssh").decode("ascii").split()[:2]
        digest = hashlib.sha256(base64.b64decode(blob)).digest()
        return cls(f"{kind} {blob}", f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}")

    def is_one_of(self, pins: tuple[str, ...]) -> bool:
        """Whether one of the pins is this key, or its fingerprint."""
        return any(
            pin.rstrip("=") == self.fingerprint if pin.startswith("SHA256:") else pin.split()[:2] == self.line.split()
            for pin in pins
        )


def algorithms_for(pins: tuple[str, ...]) -> list[str]:
    """What is asked of the server, pinned types first: a server with several keys then shows the pinned one."""
    pinned = [kind for kind in ALGORITHMS if any(pin.startswith(f"{kind} ") for pin in pins)]
    others = [kind for kind in ALGORITHMS if kind not in pinned]
    return [algorithm for kind in (*pinned, *others) for algorithm in ALGORITHMS[kind]]

"""TCP ports that nobody listens on now."""

from __future__ import annotations

import random
import socket

_LISTENED = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (32,768 and up): a process that tries to reach its peer
before that one listens could otherwise take the very port, even by connecting to itself."""


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1, all free a moment ago."""
    ports: list[int] = []
    # Not seeded: runs beside each other shall not choose alike.
    for port in random.SystemRandom().sample(_LISTENED, len(_LISTENED)):
        if len(ports) == count:
            return ports
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    raise RuntimeError(f"no {count} free ports from {_LISTENED.start} to {_LISTENED.stop}")

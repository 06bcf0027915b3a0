"""TCP ports that nobody listens on now."""

from __future__ import annotations

import itertools
import os
import random
import socket
from collections.abc import Iterator

_LISTENED = range(20_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (32,768 and up): a process that tries to reach its peer
before that one listens could otherwise take the very port, even by connecting to itself."""
_WORKERS_MAX = 8


def _own() -> range:
    """This test worker's share: two workers can never find the same port free."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return _LISTENED[worker % _WORKERS_MAX :: _WORKERS_MAX]


def _candidates() -> Iterator[int]:
    """All of this worker's ports again and again: none comes back before all others had their turn."""
    # Not seeded: runs beside each other shall not choose alike.
    return itertools.cycle(random.SystemRandom().sample(_own(), len(_own())))


_next = _candidates()


def free_ports(count: int) -> list[int]:
    """`count` different ports of 127.0.0.1, all free a moment ago, and not given to another test lately."""
    ports: list[int] = []
    for port in itertools.islice(_next, len(_own())):
        if _is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise RuntimeError(f"no {count} free ports from {_LISTENED.start} to {_LISTENED.stop}")


def free_block(count: int) -> int:
    """The first of `count` successive ports of 127.0.0.1 that were all free a moment ago."""
    for first in itertools.islice(_next, len(_own())):
        if first + count <= _LISTENED.stop and all(_is_free(port) for port in range(first, first + count)):
            return first
    raise RuntimeError(f"no {count} free ports in a row from {_LISTENED.start} to {_LISTENED.stop}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

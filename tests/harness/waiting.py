"""Waiting for something that no event announces, with a limit."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_POLL_S = 0.02


def eventually(probe: Callable[[], T], *, timeout_s: float, what: str | Callable[[], str]) -> T:
    """The first true answer of `probe`. Raises TimeoutError that says `what` was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {what() if callable(what) else what}")
        time.sleep(_POLL_S)
    return answer


def accepts_connections(port: int, address: str = "127.0.0.1") -> bool:
    """Whether somebody listens there."""
    try:
        with socket.create_connection((address, port), 1.0):
            return True
    except OSError:
        return False

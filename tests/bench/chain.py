"""tpayd itself: every process real, as many virtual readers as lanes, each with a card that presents itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.chain_lane import client_name
from tests.harness import Store
from tpayd.gateway.clients import ClientRegistry
from tpayd_contracts.graph import SERVICES
from tpayd_contracts.operation import Right
from tpayd_contracts.sandbox import HostMode

__all__ = ["Chain", "started"]

_CARD = "visa-tap"
_READERS_MAX = 64
"""What a large store has."""


@dataclass(frozen=True)
class Chain:
    """A store that sells."""

    home: Path
    daemon: dict[str, int]
    """tpayd's own processes: what `cpu_us` counts."""
    sandbox: dict[str, int]
    """The virtual readers and the virtual host."""


@contextmanager
def started(directory: Path, lanes: int, *, journal_url: str = "", host_delay_ms: int = 0) -> Iterator[Chain]:
    """A store with so many lanes, keys exchanged, each reader with a card that presents itself at once.

    As many readers as lanes, but 64 at the most; more lanes share them in one pool.
    """
    readers = min(lanes, _READERS_MAX)
    # Each lane sells again at once, and none may be refused.
    settings = {"transaction": {"max_in_hand": max(64, lanes), "journal_url": journal_url}}
    with Store(directory, lanes=lanes, readers=readers, settings=settings) as store:
        registry = ClientRegistry.open(store.instance)
        for lane in range(1, lanes + 1):
            registry.add(client_name(lane), (str(lane),), Right.POS, local_uid=os.getuid())
        store.open_shop(card=_CARD)
        if host_delay_ms:
            store.sandbox.host(HostMode.APPROVE, delay_ms=host_delay_ms)
        yield Chain(
            store.instance.home,
            {name: store[name].pid for name in SERVICES},
            {name: store[name].pid for name in store.running() if name not in SERVICES},
        )

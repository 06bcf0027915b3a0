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

__all__ = ["Chain", "started"]

_CARD = "visa-tap"


@dataclass(frozen=True)
class Chain:
    """A store that sells."""

    home: Path
    daemon: dict[str, int]
    """tpayd's own processes: what `cpu_us` counts."""
    sandbox: dict[str, int]
    """The virtual readers and the virtual host."""


@contextmanager
def started(directory: Path, lanes: int) -> Iterator[Chain]:
    """A store with so many lanes and readers, keys exchanged, each reader with a card that presents itself at once."""
    # Each lane sells again at once, and none may be refused.
    settings = {"transaction": {"max_in_hand": max(64, lanes)}}
    with Store(directory, lanes=lanes, readers=lanes, settings=settings) as store:
        registry = ClientRegistry.open(store.instance)
        for lane in range(1, lanes + 1):
            registry.add(client_name(lane), (str(lane),), Right.POS, local_uid=os.getuid())
        store.open_shop(card=_CARD)
        yield Chain(
            store.instance.home,
            {name: store[name].pid for name in SERVICES},
            {name: store[name].pid for name in store.running() if name not in SERVICES},
        )

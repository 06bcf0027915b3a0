"""tpayd itself: every process real, as many virtual readers as lanes, each with a card that presents itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.chain_lane import client_name
from tests.harness import Store, eventually
from tests.harness.store import ALL_SERVICES
from tpayd.gateway.clients import ClientRegistry
from tpayd_contracts.device import DEVICE_LIST, DeviceState
from tpayd_contracts.graph import SERVICES
from tpayd_contracts.operation import Empty, Right
from tpayd_contracts.sandbox import READER_SET, READER_STATUS, SetReader

__all__ = ["Chain", "started"]

_READY_WAIT_S = 60.0
_CARD_KIND = "contactless"


@dataclass(frozen=True)
class Chain:
    """A store that sells."""

    home: Path
    daemon_pids: tuple[int, ...]
    """tpayd's own processes: what `cpu_us` counts."""
    sandbox_pids: tuple[int, ...]


@contextmanager
def started(directory: Path, lanes: int) -> Iterator[Chain]:
    """A store with so many lanes and readers, ready, each reader with a card that presents itself at once."""
    with Store(directory, lanes=lanes, readers=lanes) as store:
        registry = ClientRegistry.open(store.instance)
        for lane in range(1, lanes + 1):
            registry.add(client_name(lane), (str(lane),), Right.POS, local_uid=os.getuid())
        store.wait_ready(timeout_s=_READY_WAIT_S)
        _present_cards(store)
        yield Chain(
            store.instance.home,
            tuple(store[name].pid for name in SERVICES),
            tuple(store[name].pid for name in ALL_SERVICES if name not in SERVICES),
        )


def _present_cards(store: Store) -> None:
    known = store.ask("sandbox_readers", READER_STATUS, Empty())
    card = next(card for card in known.cards if _CARD_KIND in card)
    for reader in known.readers:
        store.ask("sandbox_readers", READER_SET, SetReader(reader=reader.name, auto_card=card, auto_delay_ms=0))
    wanted = len(known.readers)
    eventually(
        lambda: _ready_readers(store) == wanted,
        timeout_s=_READY_WAIT_S,
        what=lambda: f"{wanted} readers in the pool; {_ready_readers(store)} are",
    )


def _ready_readers(store: Store) -> int:
    devices = store.ask("device_broker", DEVICE_LIST, Empty()).devices
    return sum(device.state is DeviceState.READY for device in devices)

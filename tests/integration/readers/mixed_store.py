"""A store with readers of two kinds: reader-1 and reader-3 speak stx, reader-2 neo, and all stand in one pool."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Store
from tests.harness.base import ALL_SERVICES

STX, NEO, THIRD = "reader-1", "reader-2", "reader-3"
_NEO_ABILITIES = ("ic", "stripe", "contactless")


def mixed_store(directory: Path, *, services: tuple[str, ...] = ALL_SERVICES, readers: int = 2) -> Store:
    names = (STX, NEO, THIRD)[:readers]
    settings: dict[str, dict[str, object]] = {
        "sandbox_readers": {"readers": [{"name": name, "auto_delay_ms": 0} | _speaks(name) for name in names]},
        "device_broker": {
            "devices": [_device(name) for name in names],
            "reopen_max_s": 0.5,
            "absent_grace_s": 1.0,
            "idle_check_s": 1.0,
        },
        "transaction": {"card_wait_s": 30.0},
    }
    return Store(directory, services=services, readers=readers, settings=settings)


def _speaks(name: str) -> dict[str, object]:
    return {"protocol": "neo"} if name == NEO else {}


def _device(name: str) -> dict[str, object]:
    device: dict[str, object] = {"name": name, "port": f"sandbox/readers/{name}"}
    if name == NEO:
        return device | {"driver": "neo", "abilities": list(_NEO_ABILITIES)}
    return device | {"abilities": [*_NEO_ABILITIES, "qr", "sign", "pin"]}

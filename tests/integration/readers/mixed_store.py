"""A store with readers of two kinds: reader-1 speaks stx, reader-2 neo, and both stand in one pool."""

from __future__ import annotations

from pathlib import Path

from tests.harness import Store

STX, NEO = "reader-1", "reader-2"
NEO_ABILITIES = ("ic", "stripe", "contactless")


def mixed_store(directory: Path, *, services: tuple[str, ...] | None = None, lanes: int = 2) -> Store:
    settings: dict[str, dict[str, object]] = {
        "sandbox_readers": {"readers": [{"name": STX, "auto_delay_ms": 0}, {"name": NEO, "protocol": "neo"}]},
        "device_broker": {
            "devices": [
                {"name": STX, "port": f"sandbox/readers/{STX}", "abilities": [*NEO_ABILITIES, "qr", "sign", "pin"]},
                {"name": NEO, "port": f"sandbox/readers/{NEO}", "driver": "neo", "abilities": list(NEO_ABILITIES)},
            ],
            "reopen_max_s": 0.5,
            "absent_grace_s": 1.0,
        },
        "transaction": {"card_wait_s": 3.0},
    }
    if services is None:
        return Store(directory, lanes=lanes, readers=2, settings=settings)
    return Store(directory, services=services, lanes=lanes, readers=2, settings=settings)

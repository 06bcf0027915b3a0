"""An example of every message about logs on their way to the vendor."""

from __future__ import annotations

from tpayd_contracts import logs
from tpayd_contracts.example_payments import AT_MS, Example
from tpayd_contracts.operation import Empty

__all__ = ["LOGS", "LOGS_EVENT"]

_ID = "0b0b6c1e-58f1-4c43-9d5e-b8d3c1a2f001"
_SHIPPED = logs.Bundle(
    id=_ID,
    state=logs.BundleState.SHIPPED,
    priority=logs.ShipPriority.NOW,
    asked_ms=AT_MS,
    by="lane-1",
    reason="the card is read twice",
    name=f"example-store-3f9a2c71-20260302T011530Z-{_ID}.tar.zst.age",
    size_bytes=1_204_311,
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    files=14,
    logs_bytes=24_517_002,
    sent_bytes=1_204_311,
    tries=1,
    ended_ms=AT_MS + 4200,
)

LOGS = {
    logs.LOGS_SHIP.name: Example(
        logs.ShipLogs(reason="the card is read twice", since_ms=AT_MS - 3_600_000, services=("device_broker",)),
        _SHIPPED,
        logs.ShipProgress(state=logs.BundleState.SENDING, text="delivering", done_bytes=524_288, of_bytes=1_204_311),
    ),
    logs.LOGS_STATUS.name: Example(
        Empty(),
        logs.LogsStatus(
            destination="sftp://logs.example.com/incoming",
            recipients=1,
            ended=(_SHIPPED,),
            outbox_limit_bytes=268_435_456,
            last_success_ms=AT_MS + 4200,
            logs=(logs.LogUse(service="gateway", files=3, size_bytes=40_112_004, oldest_ms=AT_MS - 172_800_000),),
        ),
    ),
}
LOGS_EVENT = logs.LogsEvent(bundle=_SHIPPED)

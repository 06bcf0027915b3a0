"""Every operation by name, gathered from the modules so that none can be forgotten."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tpayd_contracts import (
    ability,
    business,
    device,
    firmware,
    fleet,
    gateway,
    health,
    host,
    integrity,
    keys,
    logs,
    orders,
    pad,
    payment,
    pooling,
    records,
    sandbox,
    sandbox_logs,
    sandbox_updates,
    screen,
    settings,
    standalone,
    taking,
    terminal,
    updates,
)
from tpayd_contracts.operation import Op

__all__ = ["EVENT_BODIES", "OPS", "PUBLIC_OPS"]

_MODULES: tuple[ModuleType, ...] = (
    orders,
    payment,
    screen,
    ability,
    records,
    business,
    standalone,
    terminal,
    device,
    firmware,
    fleet,
    taking,
    host,
    keys,
    integrity,
    logs,
    gateway,
    health,
    sandbox,
    sandbox_logs,
    sandbox_updates,
    pad,
    settings,
    pooling,
    updates,
)

OPS: dict[str, Op[Any, Any]] = {
    value.name: value for module in _MODULES for value in vars(module).values() if isinstance(value, Op)
}

PUBLIC_OPS: dict[str, Op[Any, Any]] = {name: op for name, op in OPS.items() if op.right is not None}
"""What a client of the gateway may call, given the right."""

EVENT_BODIES: dict[str, type] = {
    device.TOPIC_DEVICE: device.DeviceEvent,
    firmware.TOPIC_FIRMWARE: firmware.FirmwareEvent,
    host.TOPIC_LINE: host.LineEvent,
    integrity.TOPIC_INTEGRITY: integrity.IntegrityEvent,
    keys.TOPIC_KEY: keys.KeyEvent,
    logs.TOPIC_LOGS: logs.LogsEvent,
    pooling.TOPIC_POOL: pooling.PoolEvent,
    updates.TOPIC_UPDATE: updates.UpdateEvent,
    updates.TOPIC_NOTICE: updates.UpdateNotice,
}
"""Topics that a client may subscribe to, and what their events carry."""

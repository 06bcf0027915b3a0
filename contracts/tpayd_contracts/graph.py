"""The call graph of the house, declared once. A service refuses a caller that has no edge to it.

Calls go downwards only, so no cycle of waiting can form. `health.get` and PING are open to everyone in the house.
"""

from __future__ import annotations

from tpayd_contracts import (
    ability,
    business,
    device,
    firmware,
    fleet,
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
from tpayd_contracts.health import HEALTH

__all__ = ["CALLS", "OF_EVERY_SERVICE", "OPERATIONS", "OPS_OF", "SERVICES", "may_call", "service_of"]

OPS_OF: dict[str, frozenset[str]] = {
    "transaction": frozenset(
        op.name
        for op in (
            *orders.ORDERS,
            orders.MEMBERSHIP_READ,
            payment.STATUS,
            payment.CONFIRM,
            payment.KEY,
            payment.ABORT,
            payment.ACKNOWLEDGE,
            records.LAST,
            records.EXPLAIN,
            records.RECEIPT,
            records.UNACKNOWLEDGED,
            records.REVERSALS,
            records.SETTLE,
            settings.PENDING,
            *screen.SCREEN_OPS,
            ability.NUMBER_KEY,
            ability.CODE_SCAN,
            ability.TEXT_SHOW,
            updates.PAYMENTS_HOLD,
            updates.PAYMENTS_RESUME,
        )
    )
    | {op.name for op in (*terminal.TERMINAL_OPS, *standalone.STANDALONE_OPS, *business.BUSINESS_OPS)},
    "device_broker": frozenset(
        op.name
        for op in (
            device.LEASE_ACQUIRE,
            device.LEASE_RENEW,
            device.LEASE_RELEASE,
            device.LEASE_RESET,
            device.CARD_READ,
            taking.CARD_TAKE,
            device.CARD_COMPLETE,
            device.CARD_STATE,
            pad.SIGN,
            pad.CODE_READ,
            pad.NUMBER_ENTER,
            pad.PIN_ENTER,
            pad.MESSAGE_SHOW,
            pad.DRAW,
            pad.PAD_ACQUIRE,
            ability.CARD_INSERTED,
            ability.EJECT_CARD,
            device.DEVICE_LIST,
            pooling.POOL_STATUS,
            pooling.DEVICE_MAINTENANCE,
            device.READER_BAR,
            device.KEY_PREPARE,
            device.KEY_RELEASE,
            device.KEY_INJECT,
            *fleet.FLEET_OPS,
            firmware.FIRMWARE_IDENTIFY,
            firmware.FIRMWARE_TRANSFER,
        )
    ),
    "host_link": frozenset(op.name for op in (host.EXCHANGE, host.LINE_STATUS)),
    "key_manager": frozenset(
        op.name
        for op in (
            keys.MAC_EXCHANGE,
            keys.MAC_KEY,
            keys.DATA_ENCRYPT,
            keys.KEY_EXCHANGE_READER,
            keys.KEY_EXCHANGE_TERMINAL,
            keys.KEY_LIST,
            keys.TIME_SIGNED,
            integrity.INTEGRITY_CHECK,
            integrity.INTEGRITY_STATUS,
        )
    ),
    "log_shipper": frozenset(op.name for op in (logs.LOGS_SHIP, logs.LOGS_STATUS)),
    "updater": frozenset(op.name for op in (*updates.UPDATE_OPS, *firmware.FIRMWARE_OPS)),
    "gateway": frozenset(),
    "sandbox_host": frozenset(op.name for op in (sandbox.HOST_SET, sandbox.HOST_STATUS, sandbox.HOST_LEDGER)),
    "sandbox_readers": frozenset(op.name for op in (sandbox.READER_PRESENT, sandbox.READER_SET, sandbox.READER_STATUS)),
    "sandbox_logs": frozenset(op.name for op in sandbox_logs.SANDBOX_LOGS_OPS),
    "sandbox_updates": frozenset(op.name for op in sandbox_updates.SANDBOX_UPDATES_OPS),
}
"""Which service answers which operations on its house socket."""

CALLS: dict[str, frozenset[str]] = {
    "gateway": frozenset({"transaction", "device_broker", "key_manager", "host_link", "log_shipper", "updater"}),
    "transaction": frozenset({"device_broker", "key_manager", "host_link"}),
    "key_manager": frozenset({"device_broker", "host_link"}),
    "updater": frozenset({"transaction", "device_broker", "key_manager"}),
    "device_broker": frozenset(),
    "host_link": frozenset(),
    "log_shipper": frozenset(),
    "watchdog": frozenset(),
    "cli": frozenset({"sandbox_host", "sandbox_readers", "sandbox_updates", "sandbox_logs"}),
}
"""caller → services it may call. `cli` is the local tool of whoever owns the instance directory."""

SERVICES: tuple[str, ...] = ("gateway", "transaction", "device_broker", "host_link", "key_manager")
"""The processes on the way of a payment, edges last to start mattering: any order works."""

OPERATIONS: tuple[str, ...] = ("updater", "log_shipper")
"""The processes that keep the others healthy: a store sells, and is ready, without them."""

OF_EVERY_SERVICE: frozenset[str] = frozenset(op.name for op in settings.SETTINGS_OPS)
"""Answered by each of SERVICES and OPERATIONS for itself; the body says whom it is for."""


def may_call(caller: str, service: str, op: str) -> bool:
    """Whether `caller` may send `op` to `service`."""
    if op == HEALTH.name:
        return caller in CALLS or caller in OPS_OF
    if op in OF_EVERY_SERVICE:
        return service in (*SERVICES, *OPERATIONS) and service in CALLS.get(caller, frozenset())
    return service in CALLS.get(caller, frozenset()) and op in OPS_OF.get(service, frozenset())


def service_of(op: str) -> str | None:
    """The service that answers `op`, or None."""
    for service, ops in OPS_OF.items():
        if op in ops:
            return service
    return None

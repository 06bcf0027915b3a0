"""Which processes an instance runs, and in which order they end."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WATCHDOG", "Program", "programs"]

WATCHDOG = "watchdog"


@dataclass(frozen=True)
class Program:
    """One process under supervisor."""

    name: str
    module: str
    priority: int
    """Supervisor starts the lowest first, at once, and ends the highest first, one group after the other."""
    operations: bool = False
    """It keeps the others healthy; a store is ready, and sells, without it."""


_LIVE = (
    # Ends from the outside inwards: no new request comes in while the ones under way finish.
    Program("gateway", "tpayd.gateway", 500),
    Program("transaction", "tpayd.transaction", 400),
    Program("key_manager", "tpayd.key_manager", 300),
    Program("device_broker", "tpayd.device_broker", 200),
    Program("host_link", "tpayd.host_link", 200),
)
_OPERATIONS = (
    Program("updater", "tpayd.updater", 600, operations=True),
    Program("log_shipper", "tpayd.log_shipper", 600, operations=True),
)
_SANDBOX = (
    Program("sandbox_host", "tpayd.sandbox.host", 100),
    Program("sandbox_readers", "tpayd.sandbox.readers", 100),
    Program("sandbox_logs", "tpayd.sandbox.logs", 100, operations=True),
    Program("sandbox_updates", "tpayd.sandbox.updates", 100, operations=True),
)


def programs(*, sandbox: bool) -> tuple[Program, ...]:
    """The processes of an instance, in the order in which they start; the watchdog is not one of them."""
    return tuple(
        sorted(
            _LIVE + _OPERATIONS + (_SANDBOX if sandbox else ()), key=lambda program: (program.priority, program.name)
        )
    )

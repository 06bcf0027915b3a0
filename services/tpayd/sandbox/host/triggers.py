"""What an amount asks the sandbox's host to do, so that any POS can try any ending without a command.

The last four digits of the total decide. None of them is a multiple of ten, as prices in won are. A void's amount is
its original's, so it asks for nothing.
"""

from __future__ import annotations

from tpayd.hosts import Kind
from tpayd_contracts.sandbox import HostBehaviour, HostMode

__all__ = ["TRIGGERS", "behaviour_for"]

_DIGITS = 10_000
_CHOOSING = frozenset({Kind.SALE, Kind.CASH_RECEIPT, Kind.CASH_IC_SALE, Kind.SIMPLE_PAY})

TRIGGERS: dict[int, HostBehaviour] = {
    5: HostBehaviour(mode=HostMode.DECLINE, code="05"),
    14: HostBehaviour(mode=HostMode.DECLINE, code="14"),
    41: HostBehaviour(mode=HostMode.DECLINE, code="41"),
    51: HostBehaviour(mode=HostMode.DECLINE, code="51"),
    54: HostBehaviour(mode=HostMode.DECLINE, code="54"),
    61: HostBehaviour(mode=HostMode.DECLINE, code="61"),
    91: HostBehaviour(mode=HostMode.SILENT),
    92: HostBehaviour(mode=HostMode.DEAF),
    93: HostBehaviour(mode=HostMode.LATE),
    94: HostBehaviour(mode=HostMode.TWICE),
    95: HostBehaviour(mode=HostMode.GARBLED),
    96: HostBehaviour(mode=HostMode.SPLIT),
    97: HostBehaviour(mode=HostMode.HANG_UP),
    98: HostBehaviour(mode=HostMode.BAD_MAC),
}


def behaviour_for(kind: Kind, amount_minor: int, ordered: HostBehaviour) -> HostBehaviour:
    """What the host does with a request of this kind and amount; what a command ordered goes first."""
    if ordered.mode is not HostMode.APPROVE or kind not in _CHOOSING:
        return ordered
    return TRIGGERS.get(amount_minor % _DIGITS, ordered)

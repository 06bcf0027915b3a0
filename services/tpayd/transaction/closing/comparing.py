"""Compares a terminal's day with the host's book of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tpayd.hosts import APPROVED, OUT_OF_BALANCE, HostTotals, Opened
from tpayd_contracts.business import Balance, DayTotals, Difference, TerminalBalance

__all__ = ["compared", "not_compared", "overall"]

_SUSPECTS_MAX = 20


def compared(terminal_id: str, ours: HostTotals, answer: Opened, totals: DayTotals) -> TerminalBalance:
    """What the host's answer to a reconciliation means."""
    if answer.response_code == APPROVED:
        return TerminalBalance(terminal_id, Balance.BALANCED)
    if answer.response_code != OUT_OF_BALANCE or answer.totals is None:
        return not_compared(terminal_id, f"the host answered {answer.response_code}")
    hosts = msgspec.structs.asdict(answer.totals)
    differences = tuple(
        Difference(figure, figure_ours, hosts[figure])
        for figure, figure_ours in msgspec.structs.asdict(ours).items()
        if figure_ours != hosts[figure]
    )
    listed = (*totals.open, *totals.settled_by_hand)
    suspects = [payment.request_id for payment in listed if payment.terminal_id == terminal_id and payment.stan]
    return TerminalBalance(
        terminal_id, Balance.DIFFERENT, differences=differences, suspects=tuple(suspects[:_SUSPECTS_MAX])
    )


def not_compared(terminal_id: str, why: str) -> TerminalBalance:
    """The host did not say anything that could be believed."""
    return TerminalBalance(terminal_id, Balance.NOT_COMPARED, detail=why)


def overall(terminals: Iterable[TerminalBalance]) -> Balance:
    """Of the whole store: the worst of its terminals."""
    found = {terminal.balance for terminal in terminals}
    for balance in (Balance.DIFFERENT, Balance.NOT_COMPARED):
        if balance in found:
            return balance
    return Balance.BALANCED

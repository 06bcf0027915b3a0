"""Whose terminals this host knows: openings and merchant downloads (0800, 901 and 902)."""

from __future__ import annotations

import re
import sqlite3

from tpayd.hosts import Merchant, MerchantDownload, OpenTerminal
from tpayd.sandbox.host.codes import Code

__all__ = ["Merchants"]

_PLAY_TERMINAL = re.compile("TPAY[0-9]{4}")


class Merchants:
    """One merchant, the store's own, and its terminals; an opening is part of the ledger's open transaction.

    The terminals are those of its lanes, and TPAY0000 to TPAY9999.
    """

    def __init__(self, database: sqlite3.Connection, merchant: Merchant, terminals: frozenset[str]) -> None:
        self._database = database
        self._merchant = merchant
        self._terminals = terminals

    def open(self, request: OpenTerminal) -> Code:
        """Register a terminal; again is no fault."""
        code = self._judge(request)
        if code is Code.APPROVED:
            self._database.execute(
                "INSERT INTO opened_terminal VALUES (?, ?, ?) ON CONFLICT (terminal_id) DO UPDATE"
                " SET business_number = excluded.business_number, local = excluded.local",
                (request.terminal_id, request.business_number, request.local),
            )
        return code

    def download(self, request: MerchantDownload) -> tuple[Code, Merchant | None]:
        """Who has this business number and terminal."""
        code = self._judge(request)
        return code, self._merchant if code is Code.APPROVED else None

    def _judge(self, request: OpenTerminal | MerchantDownload) -> Code:
        if request.business_number != self._merchant.business_number:
            return Code.OTHER_MERCHANT
        known = request.terminal_id in self._terminals or _PLAY_TERMINAL.fullmatch(request.terminal_id)
        return Code.APPROVED if known else Code.NOT_ITS_TERMINAL

"""May this lane take a payment without a POS, and on whose behalf?"""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.bus import CallError, Request, Server
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.standalone import STANDALONE_SHOW, StandaloneQuery, StandaloneTerminal
from tpayd_contracts.terminal import Merchant

__all__ = ["Gate", "serve_standalone"]


class Gate:
    """Opens for stores that have enabled such payments, at terminals whose merchant was downloaded."""

    def __init__(self, *, enabled: bool, merchant: Callable[[str], Merchant | None]) -> None:
        """`merchant`: whose terminal this is, if that was downloaded."""
        self.enabled = enabled
        self._merchant = merchant

    def check(self, terminal_id: str) -> Merchant:
        """Whom the customer pays. Raises CallError `not_permitted` or `not_found`."""
        if not self.enabled:
            text = "payments without a POS are off; config/transaction.toml has the setting: standalone = true"
            raise CallError.not_started(ErrorCode.NOT_PERMITTED, text)
        merchant = self._merchant(terminal_id)
        if merchant is None:
            text = f"terminal {terminal_id} has no merchant info yet: tpayd merchant download {terminal_id}"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text)
        return merchant


def serve_standalone(server: Server, gate: Gate, terminal_of: Callable[[str], str]) -> None:
    """Register `standalone.show`. `terminal_of`: a lane's terminal; raises CallError."""

    def show(_: Request, asked: StandaloneQuery) -> StandaloneTerminal:
        terminal_id = terminal_of(asked.lane)
        return StandaloneTerminal(asked.lane, terminal_id, gate.check(terminal_id))

    server.handle(STANDALONE_SHOW, show)

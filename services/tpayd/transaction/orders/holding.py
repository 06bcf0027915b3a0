"""Holds new payments back for a moment, so that the daemon can go over to another release with none under way."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.bus import CallError, Request, Server
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction.journal.schema import SCHEMA_VERSION
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.operation import Empty
from tpayd_contracts.settings import Pending
from tpayd_contracts.updates import PAYMENTS_HOLD, PAYMENTS_RESUME, HeldPayments, HoldPayments

__all__ = ["Holding"]

_DETAIL = "update"


class Holding:
    """Whether new payments have to wait. It ends by itself: who asked for it may have died."""

    def __init__(self, clock: Clock, log: Log, pending: Callable[[], Pending], opening: Callable[[], int]) -> None:
        """`opening` counts the requests of which it is not known yet whether they begin a payment."""
        self._clock = clock
        self._log = log
        self._pending = pending
        self._opening = opening
        self._until_us = 0
        self._why = ""

    def register(self, server: Server) -> None:
        """Answer for it, also while the process goes down."""
        server.handle(PAYMENTS_HOLD, self._hold, while_draining=True)
        server.handle(PAYMENTS_RESUME, self._resume, while_draining=True)

    @property
    def holds(self) -> bool:
        return self._clock.monotonic_us() < self._until_us

    def check(self) -> None:
        """Raises CallError `busy` (retryable, nothing was begun) while payments are held back."""
        if self._until_us and self.holds:
            raise CallError(
                ErrorCode.BUSY, f"the daemon is about to restart ({self._why}); try again in some seconds",
                outcome=Outcome.NOT_STARTED, retryable=True, detail=_DETAIL,
            )  # fmt: skip

    def _hold(self, _: Request, body: HoldPayments) -> HeldPayments:
        if body.ttl_s:
            if not self.holds:
                self._log.info("payments.held", why=body.why)
            self._why = body.why
            self._until_us = self._clock.monotonic_us() + int(body.ttl_s * 1e6)
        pending = self._pending()
        return HeldPayments(pending.under_way + self._opening(), pending.lanes, pending.unsettled, SCHEMA_VERSION)

    def _resume(self, _: Request, __: Empty) -> Empty:
        if self.holds:
            self._log.info("payments.resumed")
        self._until_us = 0
        return Empty()

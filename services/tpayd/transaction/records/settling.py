"""Settling by hand: what the daemon has given up on, a person finds out from the host's desk, and says here."""

from __future__ import annotations

from collections.abc import Callable

from tpayd.kit.bus import CallError, Request
from tpayd.kit.redaction import redact_text
from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.books import Books
from tpayd.transaction.case import Case
from tpayd.transaction.journal import StorageError
from tpayd.transaction.registry import Registry
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import PaymentResult
from tpayd_contracts.records import SettleRequest

__all__ = ["Settling"]


class Settling:
    """Takes a person's word, once, and writes down whose it was."""

    def __init__(self, books: Books, registry: Registry, settled: Callable[[Case], None]) -> None:
        self._books = books
        self._registry = registry
        self._settled = settled

    async def settle(self, request: Request, asked: SettleRequest) -> PaymentResult:
        """Settle a payment that stands at `needs_human`; the same word again is answered again.

        Raises CallError: `not_found`, `too_late`, `invalid_body` for a card number in the note, `storage_failed`.
        """
        if redact_text(asked.note) != asked.note:
            text = "the note holds a card number or a secret; write it without"
            raise CallError.not_started(ErrorCode.INVALID_BODY, text, field="$.note")
        # What needs a person stays in memory until it is settled.
        case = self._registry.find((asked.lane, asked.request_id))
        if case is None:
            text = f"no payment {asked.request_id} of lane {asked.lane} has to be settled"
            raise CallError.not_started(ErrorCode.NOT_FOUND, text)
        settled = case.payment.settlement
        if flow.has_row(case.payment, ev.SettledByHand):
            by = request.principal or "the house"
            case.apply(ev.SettledByHand(asked.outcome, by, asked.note))
            self._books.log.warning(
                "payment.settled_by_hand", payment=case.payment.payment_id, outcome=asked.outcome.value, by=by
            )
            self._settled(case)
        elif settled is None or settled.outcome is not asked.outcome:
            word = f"{case.payment.state}" + (f", settled by {settled.by} as {settled.outcome}" if settled else "")
            text = f"payment {asked.request_id} is {word}: only what needs a person is settled by hand, and only once"
            raise CallError(ErrorCode.TOO_LATE, text, outcome=Outcome.FAILED)
        try:
            await self._books.journal.committed()
        except StorageError as error:
            text = f"it is settled once the disk takes it: {error}"
            raise CallError.unknown(ErrorCode.STORAGE_FAILED, text) from None
        return case.result()

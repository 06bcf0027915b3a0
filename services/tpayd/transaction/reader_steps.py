"""The steps of a payment that a card reader takes part in. Each asks the device broker, and gives back an event."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tpayd.hosts import EmvAnswer, ReversalReason
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction import events as ev
from tpayd.transaction.business_day import stamp_of
from tpayd.transaction.payment import Payment
from tpayd.transaction.receipt import receipt_tags
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.texts import STEP_TEXTS
from tpayd_contracts.device import (
    CARD_COMPLETE,
    CARD_READ,
    LEASE_ACQUIRE,
    AcquireLease,
    CardProgress,
    CardPrompt,
    CompleteCard,
    Lease,
    LeaseProgress,
    LeaseRef,
    ReadCard,
    ReadCardResult,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentProgress, Reason, Step

__all__ = ["ReaderSteps"]

_READ_MARGIN_S = 65.0
"""Beyond two card waits: a card that comes late is still read, and a failed chip may be pulled out and swiped."""

_CARD_REASONS = {
    ErrorCode.CARD_TIMEOUT: Reason.CARD_TIMEOUT,
    ErrorCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE,
}
_READER_LOST = frozenset(
    {ErrorCode.READER_UNAVAILABLE, ErrorCode.LEASE_LOST, ErrorCode.PEER_LOST, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
)

Progress = Callable[[PaymentProgress], None]


def progress_of(step: Step, **more: object) -> PaymentProgress:
    """One step, in both languages."""
    english, korean = STEP_TEXTS[step]
    return PaymentProgress(step=step, text=english, text_ko=korean, **more)  # type: ignore[arg-type]


class ReaderSteps:
    """Talks to the device broker on behalf of payments."""

    def __init__(self, broker: Caller, settings: TransactionSettings, clock: Clock, log: Log) -> None:
        self._broker = broker
        self._settings = settings
        self._clock = clock
        self._log = log

    async def acquire(
        self, payment: Payment, progress: Progress, give_back: Callable[[Lease], None]
    ) -> Lease | ev.Stopped:
        """Wait for a reader. `give_back` gets a lease that was granted while the wait was being cancelled."""

        def queued(update: Struct) -> None:
            assert isinstance(update, LeaseProgress)  # noqa: S101
            progress(progress_of(Step.WAITING_FOR_READER, position=update.position))

        request = AcquireLease(lane=payment.lane, payment_id=payment.payment_id, avoid=payment.lost_readers)
        crashpoints.passing("lease.before_ask")
        try:
            lease = await self._broker.call(
                LEASE_ACQUIRE, request, ttl_s=self._settings.reader_wait_s, trace=payment.trace,
                on_progress=queued, on_late=give_back,
            )  # fmt: skip
        except CallError as error:
            return ev.Stopped(Reason.READER_UNAVAILABLE, error.message)
        crashpoints.passing("lease.after_grant")
        return lease

    async def read(
        self, payment: Payment, lease: Lease, progress: Progress
    ) -> tuple[ReadCardResult | None, ev.CardRead | ev.CardFailed | ev.ReaderLost]:
        """Have the card read. The card itself is given back beside the event: an event is written down."""

        def prompted(update: Struct) -> None:
            assert isinstance(update, CardProgress)  # noqa: S101
            if update.prompt == CardPrompt.PRESENT_CARD:
                progress(progress_of(Step.PRESENT_CARD, reader=lease.label, remaining_ms=update.remaining_ms))

        request = ReadCard(
            lease=LeaseRef(lease.lease_id, lease.fence),
            type=TransactionType.CREDIT,
            amount_minor=payment.sold.amount.total_minor,
            at=stamp_of(self._clock.local()),
            card_wait_s=self._settings.card_wait_s,
        )
        crashpoints.passing("card.before_read")
        try:
            card = await self._broker.call(
                CARD_READ, request, ttl_s=2 * self._settings.card_wait_s + _READ_MARGIN_S, trace=payment.trace,
                on_progress=prompted,
            )  # fmt: skip
        except CallError as error:
            if error.code in _READER_LOST:
                return None, ev.ReaderLost(lease.device)
            return None, ev.CardFailed(_CARD_REASONS.get(error.code, Reason.CARD_FAILED), error.detail)
        crashpoints.passing("card.after_read")
        summary = CardSummary(masked_pan=card.masked_pan, entry_mode=card.entry_mode, label=card.label)
        event = ev.CardRead(
            summary, chip=card.entry_mode == EntryMode.IC, customer_us=card.customer_us, reader_us=card.reader_us,
            emv=receipt_tags(card.emv),
        )  # fmt: skip
        progress(progress_of(Step.CARD_READ))
        return card, event

    async def complete(
        self, payment: Payment, lease: Lease, answer: EmvAnswer | None, response_code: str, *, approved: bool
    ) -> ev.CardAccepted | ev.CardRefused:
        """Give the card the host's word, and hear its last (second GENERATE AC)."""
        emv = answer or EmvAnswer()
        request = CompleteCard(
            lease=LeaseRef(lease.lease_id, lease.fence),
            approved=approved,
            arc=emv.arc or response_code,
            issuer_data=emv.issuer_data,
            scripts=emv.scripts,
            at=stamp_of(self._clock.local()),
        )
        started_us = self._clock.monotonic_us()
        crashpoints.passing("finish.before_card")
        try:
            done = await self._broker.call(
                CARD_COMPLETE, request, ttl_s=self._settings.card_finish_s, trace=payment.trace
            )
        except CallError as error:
            spent_us = self._clock.monotonic_us() - started_us
            return ev.CardRefused(ReversalReason.READER_LOST, spent_us, error.message)
        crashpoints.passing("finish.after_card")
        if done.accepted:
            return ev.CardAccepted(done.reader_us, done.cryptogram)
        return ev.CardRefused(ReversalReason.CARD_DECLINED, done.reader_us, done.message)

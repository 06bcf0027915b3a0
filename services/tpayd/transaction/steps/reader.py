"""The steps of a payment that a card reader takes part in. Each asks the device broker, and gives back an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from tpayd.hosts import EmvAnswer, ReversalReason
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction import events as ev
from tpayd.transaction.order import Reads
from tpayd.transaction.orders.intake import Carried, masked_code
from tpayd.transaction.orders.wallets import provider_of
from tpayd.transaction.payment import Payment
from tpayd.transaction.receipt import receipt_tags
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.business_day import stamp_of
from tpayd.transaction.steps.requests import Presented
from tpayd.transaction.steps.taking import Taking
from tpayd.transaction.texts import STEP_TEXTS
from tpayd_contracts.device import (
    CARD_COMPLETE,
    LEASE_ACQUIRE,
    Ability,
    AcquireLease,
    CardProgress,
    CardPrompt,
    CompleteCard,
    Lease,
    LeaseProgress,
    LeaseRef,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.pad import CODE_READ, SIGN, ReadCode, Sign
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentProgress, Reason, Step
from tpayd_contracts.taking import TakeCard

__all__ = ["READ_MARGIN_S", "SIGN_MARGIN_S", "Read", "ReaderSteps", "Turn", "progress_of"]

READ_MARGIN_S = 65.0
"""Beyond two card waits: a card that comes late is still read, and a failed chip may be pulled out and swiped."""

SIGN_MARGIN_S = 5.0

_CARD_REASONS = {
    ErrorCode.CARD_TIMEOUT: Reason.CARD_TIMEOUT,
    ErrorCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE,
}
_LEASE_REASONS = {ErrorCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE}
_READER_LOST = frozenset(
    {ErrorCode.READER_UNAVAILABLE, ErrorCode.LEASE_LOST, ErrorCode.PEER_LOST, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
)

_WITH_PIN = frozenset({TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY, TransactionType.UNIONPAY})
_PROMPTED = {
    CardPrompt.PRESENT_CARD: Step.PRESENT_CARD,
    CardPrompt.ENTER_PIN: Step.ENTER_PIN,
    CardPrompt.SIGN: Step.SIGN,
    CardPrompt.SHOW_CODE: Step.SHOW_CODE,
}
"""What of the customer's steps the cashier is told."""

Progress = Callable[[PaymentProgress], None]


def progress_of(step: Step, **more: object) -> PaymentProgress:
    """One step, in both languages."""
    english, korean = STEP_TEXTS[step]
    return PaymentProgress(step=step, text=english, text_ko=korean, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Turn:
    """A reader that is held."""

    lease: Lease
    taking: Taking | None = None
    """The card that was asked for with it; None where a code is to be read."""


@dataclass(frozen=True, slots=True, repr=False)
class Read:
    """How the reading ended, and what must never be written down of it."""

    event: ev.CardRead | ev.CardFailed | ev.ReaderLost
    presented: Presented | None = None
    carried: Carried | None = None


class ReaderSteps:
    """Talks to the device broker on behalf of payments."""

    def __init__(self, broker: Caller, settings: TransactionSettings, clock: Clock, log: Log) -> None:
        self._broker = broker
        self._settings = settings
        self._clock = clock
        self._log = log

    async def acquire(
        self, payment: Payment, progress: Progress, give_back: Callable[[Lease], None]
    ) -> Turn | ev.Stopped:
        """Wait for a reader. `give_back` gets a lease that was granted while the wait was being cancelled."""
        crashpoints.passing("lease.before_ask")
        try:
            if payment.ordered.reads == Reads.CODE:
                turn = Turn(await self._lease(payment, progress, give_back))
            else:
                taking = self.take(
                    self._wish(payment), payment.ordered.card_type, payment.amount_minor, progress, give_back,
                    trace=payment.trace,
                )  # fmt: skip
                turn = Turn(await taking.lease(), taking)
        except CallError as error:
            return ev.Stopped(_LEASE_REASONS.get(error.code, Reason.READER_UNAVAILABLE), error.message)
        crashpoints.passing("lease.after_grant")
        return turn

    async def read(self, payment: Payment, turn: Turn, progress: Progress) -> Read:
        """Have the card read, or the code. What was read is given back beside the event: an event is written down."""
        if turn.taking is None:
            return await self._read_code(payment, turn.lease, progress)
        crashpoints.passing("card.before_read")
        try:
            card = await turn.taking.card()
        except CallError as error:
            return Read(_unread(error, turn.lease))
        crashpoints.passing("card.after_read")
        summary = CardSummary(masked_pan=card.masked_pan, entry_mode=card.entry_mode, label=card.label)
        event = ev.CardRead(
            summary, chip=payment.ordered.rules.finishes_card and card.entry_mode == EntryMode.IC,
            customer_us=card.customer_us, reader_us=card.reader_us, emv=receipt_tags(card.emv),
        )  # fmt: skip
        progress(progress_of(Step.CARD_READ))
        presented = Presented(
            entry_mode=card.entry_mode, ksn=card.ksn, cipher=card.cipher, emv=card.emv,
            fallback_code=card.fallback_code, pin_ksn=card.pin_ksn, pin_block=card.pin_block,
        )  # fmt: skip
        return Read(event, presented=presented)

    def take(
        self, wish: AcquireLease, kind: TransactionType, amount_minor: int, progress: Progress,
        give_back: Callable[[Lease], None], *, trace: str | None,
    ) -> Taking:  # fmt: skip
        """Ask for a reader and a card, whatever it is for. Raises CallError: nothing was asked."""
        settings = self._settings

        def queued(update: LeaseProgress) -> None:
            _tell_place(progress, update)

        def prompted(lease: Lease, update: CardProgress) -> None:
            _tell(progress, lease, update)

        wanted = TakeCard(
            wish=wish, reader_wait_s=settings.reader_wait_s, type=kind, amount_minor=amount_minor,
            at=stamp_of(self._clock.local()), card_wait_s=settings.card_wait_s,
        )  # fmt: skip
        taking = Taking(self._broker, self._clock, queued=queued, prompted=prompted, give_back=give_back)
        taking.ask(wanted, 3 * settings.card_wait_s + READ_MARGIN_S, trace)
        return taking

    async def sign(self, payment: Payment, lease: Lease, progress: Progress) -> tuple[bytes, ev.Signed | ev.Stopped]:
        """Have the customer sign; the image is given back beside the event."""
        request = Sign(
            lease=LeaseRef(lease.lease_id, lease.fence), amount_minor=payment.amount_minor,
            wait_s=self._settings.signature_wait_s,
        )  # fmt: skip
        try:
            signed = await self._broker.call(
                SIGN, request, ttl_s=self._settings.signature_wait_s + SIGN_MARGIN_S, trace=payment.trace,
                on_progress=self._prompts(lease, progress),
            )  # fmt: skip
        except CallError as error:
            # 'Failed' would mean that the reader was reset, and the card in it is lost.
            unable = error.code == ErrorCode.READER_UNAVAILABLE and error.outcome == Outcome.NOT_STARTED
            if unable and self._settings.signature == "when_able":
                return b"", ev.Signed(None)
            return b"", ev.Stopped(Reason.SIGNATURE_FAILED, error.message)
        return signed.image, ev.Signed(lease.device)

    async def _lease(self, payment: Payment, progress: Progress, give_back: Callable[[Lease], None]) -> Lease:
        def queued(update: Struct) -> None:
            assert isinstance(update, LeaseProgress)  # noqa: S101
            _tell_place(progress, update)

        return await self._broker.call(
            LEASE_ACQUIRE, self._wish(payment), ttl_s=self._settings.reader_wait_s, trace=payment.trace,
            on_progress=queued, on_late=give_back,
        )  # fmt: skip

    async def _read_code(self, payment: Payment, lease: Lease, progress: Progress) -> Read:
        request = ReadCode(lease=LeaseRef(lease.lease_id, lease.fence), wait_s=self._settings.card_wait_s)
        try:
            read = await self._broker.call(
                CODE_READ, request, ttl_s=self._settings.card_wait_s + SIGN_MARGIN_S, trace=payment.trace,
                on_progress=self._prompts(lease, progress),
            )  # fmt: skip
        except CallError as error:
            return Read(_unread(error, lease))
        provider = provider_of(read.code)
        if provider is None:
            return Read(ev.CardFailed(Reason.CODE_UNKNOWN))
        summary = CardSummary(masked_pan=masked_code(read.code), entry_mode=EntryMode.BARCODE, label=provider)
        event = ev.CardRead(
            summary, chip=False, customer_us=read.customer_us, reader_us=read.reader_us, provider=provider
        )
        return Read(event, carried=Carried(read.code.encode(), EntryMode.BARCODE))

    def _wish(self, payment: Payment) -> AcquireLease:
        return AcquireLease(payment.lane, payment.payment_id, self._abilities(payment), payment.lost_readers)

    def _abilities(self, payment: Payment) -> tuple[Ability, ...]:
        order = payment.ordered
        if order.reads == Reads.CODE:
            return (Ability.QR,)
        needed = [Ability.IC]
        if order.card_type in _WITH_PIN:
            needed.append(Ability.PIN)
        if payment.wants_signature and self._settings.signature == "required":
            needed.append(Ability.SIGN)
        return tuple(needed)

    def _prompts(self, lease: Lease, progress: Progress) -> Callable[[Struct], None]:
        def prompted(update: Struct) -> None:
            assert isinstance(update, CardProgress)  # noqa: S101
            _tell(progress, lease, update)

        return prompted

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


def _tell_place(progress: Progress, update: LeaseProgress) -> None:
    progress(progress_of(Step.WAITING_FOR_READER, position=update.position))


def _tell(progress: Progress, lease: Lease, update: CardProgress) -> None:
    step = _PROMPTED.get(update.prompt)
    if step is not None:
        progress(progress_of(step, reader=lease.label, remaining_ms=update.remaining_ms))


def _unread(error: CallError, lease: Lease) -> ev.CardFailed | ev.ReaderLost:
    if error.code in _READER_LOST:
        return ev.ReaderLost(lease.device)
    return ev.CardFailed(_CARD_REASONS.get(error.code, Reason.CARD_FAILED), error.detail)

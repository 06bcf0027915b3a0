"""The steps of a payment that a card reader takes part in. Each asks the device broker, and gives back an event."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from tpayd.hosts import EmvAnswer, ReversalReason
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.transaction import events as ev
from tpayd.transaction.order import RULES, Reads, Rules
from tpayd.transaction.orders.intake import Carried, masked_code
from tpayd.transaction.orders.wallets import provider_of
from tpayd.transaction.payment import Payment
from tpayd.transaction.receipt import receipt_tags
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.business_day import stamp_of
from tpayd.transaction.steps.pads import ENTRY_MARGIN_S
from tpayd.transaction.steps.prompts import Progress, progress_of, prompts, queued
from tpayd.transaction.steps.requests import Presented
from tpayd.transaction.steps.taking import Taking
from tpayd_contracts.device import (
    CARD_COMPLETE,
    CARD_READ,
    LEASE_ACQUIRE,
    Ability,
    AcquireLease,
    CompleteCard,
    Lease,
    LeaseRef,
    ReadCard,
    ReadCardResult,
    TransactionType,
)
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.pad import CODE_READ, ReadCode
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentKind, Reason, Step
from tpayd_contracts.taking import TakeCard

__all__ = ["READ_MARGIN_S", "Read", "ReaderSteps", "Turn"]

READ_MARGIN_S = 65.0
"""Beyond two card waits: a card that comes late is still read, and a failed chip may be pulled out and swiped."""

_CARD_REASONS = {
    ErrorCode.CARD_TIMEOUT: Reason.CARD_TIMEOUT,
    ErrorCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE,
}
_LEASE_REASONS = {ErrorCode.KEY_UNAVAILABLE: Reason.KEY_UNAVAILABLE}
_READER_LOST = frozenset(
    {ErrorCode.READER_UNAVAILABLE, ErrorCode.LEASE_LOST, ErrorCode.PEER_LOST, ErrorCode.UNAVAILABLE, ErrorCode.TIMEOUT}
)

# Bound once: to look a member up in its enum takes ten times as long as to read a name of the module.
_CODE = Reads.CODE
_CHIP = EntryMode.IC
_CARD_READ = progress_of(Step.CARD_READ)
_CARD = (Ability.IC,)
_CARD_AND_PIN = (Ability.IC, Ability.PIN)
_WITH_PIN = frozenset({TransactionType.CASH_IC, TransactionType.CASH_IC_INQUIRY, TransactionType.UNIONPAY})


class Turn(Struct, frozen=True):
    """A reader that is held."""

    lease: Lease
    taking: Taking | None = None
    """The card that was asked for with it; None where a code is to be read."""
    or_card: bool = False
    """Where a code is to be read, a card will do as well."""


class Read(Struct, frozen=True):
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
        order = payment.ordered
        try:
            if order.reads is _CODE:
                turn = await self._lease(payment, progress, give_back)
            else:
                kind = order.card_type
                taking = self.take(
                    _wish(payment, _CARD_AND_PIN if kind in _WITH_PIN else _CARD), kind, payment.amount_minor,
                    progress, give_back, trace=payment.trace,
                )  # fmt: skip
                turn = Turn(await taking.lease(), taking)
        except CallError as error:
            return ev.Stopped(_LEASE_REASONS.get(error.code, Reason.READER_UNAVAILABLE), error.message)
        crashpoints.passing("lease.after_grant")
        return turn

    def at_once(self, payment: Payment, turn: Turn, progress: Progress) -> Read | None:
        """The card that lay on the reader when it was got; None where it has to be waited for."""
        crashpoints.passing("card.before_read")
        card = turn.taking.taken if turn.taking is not None else None
        if card is None:
            return None
        return self._card(payment.ordered.rules, card, progress, at=turn.lease)

    async def read(self, payment: Payment, turn: Turn, progress: Progress) -> Read:
        """Have the card read, or the code. What was read is given back beside the event: an event is written down."""
        if turn.taking is None:
            return await self._read_code(payment, turn, progress)
        try:
            card = await turn.taking.card()
        except CallError as error:
            return Read(_unread(error, turn.lease))
        return self._card(payment.ordered.rules, card, progress)

    def _card(
        self, rules: Rules, card: ReadCardResult, progress: Progress, *, instead: bool = False, waited_us: int = 0,
        at: Lease | None = None,
    ) -> Read:  # fmt: skip
        """`waited_us` is how long a card came after something else was asked for; `at` is a reader got with it."""
        crashpoints.passing("card.after_read")
        summary = CardSummary(masked_pan=card.masked_pan, entry_mode=card.entry_mode, label=card.label)
        has_last_word = rules.finishes_card and card.entry_mode is _CHIP and self._settings.second_generate_ac
        event = ev.CardRead(
            summary, chip=has_last_word, customer_us=card.customer_us + waited_us, reader_us=card.reader_us,
            emv=receipt_tags(card.emv), instead=instead, reader=None if at is None else at.device,
            reader_label=None if at is None else at.label,
        )  # fmt: skip
        progress(_CARD_READ)
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
        wanted = TakeCard(
            wish=wish, reader_wait_s=settings.reader_wait_s, type=kind, amount_minor=amount_minor,
            at=stamp_of(self._clock.local()), card_wait_s=settings.card_wait_s, choose=settings.choose_application,
        )  # fmt: skip
        taking = Taking(self._broker, progress, give_back)
        taking.ask(wanted, 3 * settings.card_wait_s + READ_MARGIN_S, trace)
        return taking

    async def lease(
        self, wish: AcquireLease, progress: Progress, give_back: Callable[[Lease], None], *, trace: str | None
    ) -> Lease:
        """Wait for a reader alone. Raises CallError."""
        return await self._broker.call(
            LEASE_ACQUIRE, wish, ttl_s=self._settings.reader_wait_s, trace=trace,
            on_progress=queued(Step.WAITING_FOR_READER, progress), on_late=give_back,
        )  # fmt: skip

    async def _lease(self, payment: Payment, progress: Progress, give_back: Callable[[Lease], None]) -> Turn:
        """Wait for a reader that reads codes, and cards as well if that is wanted, and there is one."""
        wish = _wish(payment, (Ability.QR,))
        if payment.accepts_card:
            try:
                either = replace(wish, abilities=(Ability.QR, Ability.IC))
                return Turn(await self.lease(either, progress, give_back, trace=payment.trace), or_card=True)
            except CallError as error:
                if error.code != ErrorCode.READER_UNAVAILABLE or error.retryable:
                    raise
        return Turn(await self.lease(wish, progress, give_back, trace=payment.trace))

    async def _read_code(self, payment: Payment, turn: Turn, progress: Progress) -> Read:
        lease, wait_s = turn.lease, self._settings.card_wait_s
        request = ReadCode(lease=LeaseRef(lease.lease_id, lease.fence), wait_s=wait_s, or_card=turn.or_card)
        try:
            read = await self._broker.call(
                CODE_READ, request, ttl_s=wait_s + ENTRY_MARGIN_S, trace=payment.trace,
                on_progress=prompts(lease.label, progress),
            )  # fmt: skip
            if read.card:
                return await self._read_card_instead(payment, lease, read.customer_us, progress)
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

    async def _read_card_instead(self, payment: Payment, lease: Lease, customer_us: int, progress: Progress) -> Read:
        """The customer has put in a card where a code was asked for (T28). Raises CallError."""
        settings = self._settings
        request = ReadCard(
            lease=LeaseRef(lease.lease_id, lease.fence), type=TransactionType.CREDIT,
            amount_minor=payment.amount_minor, at=stamp_of(self._clock.local()), card_wait_s=settings.card_wait_s,
            choose=settings.choose_application,
        )  # fmt: skip
        card = await self._broker.call(
            CARD_READ, request, ttl_s=3 * settings.card_wait_s + READ_MARGIN_S, trace=payment.trace,
            on_progress=prompts(lease.label, progress),
        )  # fmt: skip
        return self._card(RULES[PaymentKind.SALE], card, progress, instead=True, waited_us=customer_us)

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


def _wish(payment: Payment, abilities: tuple[Ability, ...]) -> AcquireLease:
    return AcquireLease(payment.lane, payment.payment_id, abilities, payment.lost_readers)


def _unread(error: CallError, lease: Lease) -> ev.CardFailed | ev.ReaderLost:
    if error.code in _READER_LOST:
        return ev.ReaderLost(lease.device)
    return ev.CardFailed(_CARD_REASONS.get(error.code, Reason.CARD_FAILED), error.detail)

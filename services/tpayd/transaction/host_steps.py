"""The steps of a payment that the card host takes part in: seal, send once, and believe only what is MACed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tpayd.hosts import (
    Financial,
    HostAdapter,
    HostFormatError,
    MacedMessage,
    Opened,
    Original,
    Reversal,
)
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction.business_day import business_day_of, stamp_of
from tpayd.transaction.payment import Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.stans import Stans
from tpayd_contracts.device import ReadCardResult
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, Exchange
from tpayd_contracts.keys import MAC_GENERATE, MAC_VERIFY, GenerateMac, Purpose, VerifyMac
from tpayd_contracts.payment import Reason

__all__ = ["Answer", "HostSteps", "SealedRequest"]

_KEY_WAIT_S = 5.0
_MARGIN_S = 2.0
"""What an exchange gets beyond the host's own time, so that the host link's clear error arrives first."""


@dataclass(frozen=True, slots=True, repr=False)
class SealedRequest:
    """A request that is complete, and not yet sent."""

    raw: bytes
    ksn: bytes
    key_id: str


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """An answer whose MAC is right and that belongs to the request."""

    opened: Opened
    host_us: int


class HostSteps:
    """Talks to key manager and host link on behalf of payments."""

    def __init__(
        self,
        *,
        keys: Caller,
        host: Caller,
        adapter: HostAdapter,
        stans: Stans,
        store: StoreSettings,
        settings: TransactionSettings,
        clock: Clock,
        log: Log,
    ) -> None:
        self._keys = keys
        self._host = host
        self._adapter = adapter
        self._stans = stans
        self._store = store
        self._settings = settings
        self._clock = clock
        self._log = log

    # A sale

    async def seal_sale(
        self, payment: Payment, card: ReadCardResult, reader_id: str
    ) -> tuple[SealedRequest | None, ev.Sealed | ev.Stopped]:
        """Give the sale its STAN and business day, and have it MACed."""
        now = self._clock.local()
        stan, local = self._stans.take(payment.terminal_id), stamp_of(now)
        business_day = business_day_of(now, self._settings.business_day_cutoff)
        message = Financial(
            terminal_id=payment.terminal_id, merchant_id=self._store.merchant.id, stan=stan, local=local,
            business_day=business_day, amount=payment.sold.amount, installments=payment.sold.installments,
            entry_mode=card.entry_mode, ksn=card.ksn, cipher=card.cipher, emv=card.emv,
            fallback_code=card.fallback_code, reference=payment.sold.reference,
        )  # fmt: skip
        try:
            sealed = await self._seal(message, payment, Purpose.NEW_PAYMENT, reader_id=reader_id)
        except CallError as error:
            self._log.warning("payment.not_sealed", payment=payment.payment_id, why=error.message)
            return None, ev.Stopped(Reason.KEY_UNAVAILABLE, error.message)
        except HostFormatError as error:
            return None, ev.Stopped(Reason.CARD_FAILED, str(error))
        event = ev.Sealed(
            stan, local, business_day, sealed.key_id, hashlib.sha256(sealed.raw).digest(), self._clock.unix_ms()
        )
        return sealed, event

    async def send_sale(
        self, payment: Payment, sealed: SealedRequest
    ) -> tuple[Opened | None, ev.HostApproved | ev.HostDeclined | ev.HostUnknown | ev.NotSent]:
        """Send it, once. Every way in which this can end is one of four events."""
        started_us = self._clock.monotonic_us()
        crashpoints.passing("transmit.before_send")
        try:
            answer = await self._exchange(payment, sealed)
        except CallError as error:
            if error.outcome == Outcome.NOT_STARTED:
                return None, ev.NotSent(error.message)
            reason = Reason.HOST_ANSWER_REFUSED if error.code == ErrorCode.INVALID_BODY else Reason.HOST_SILENT
            return None, ev.HostUnknown(reason, error.message, self._clock.monotonic_us() - started_us)
        opened = answer.opened
        if not opened.approved:
            return opened, ev.HostDeclined(opened.response_code, answer.host_us, opened.issuer, opened.message)
        if opened.amount_minor not in (None, payment.sold.amount.total_minor) or opened.approval_code is None:
            text = "the approval is for another amount, or has no approval code"
            return None, ev.HostUnknown(Reason.HOST_ANSWER_REFUSED, text, answer.host_us)
        return opened, ev.HostApproved(
            opened.response_code, opened.approval_code, self._clock.unix_ms(), answer.host_us,
            opened.issuer, opened.acquirer, opened.message,
        )  # fmt: skip

    # A reversal

    def number_reversal(self, payment: Payment) -> ev.ReversalSealed:
        """Give a reversal its own STAN, time and business day; its repeats keep them."""
        now = self._clock.local()
        return ev.ReversalSealed(
            self._stans.take(payment.terminal_id), stamp_of(now),
            business_day_of(now, self._settings.business_day_cutoff),
        )  # fmt: skip

    async def send_reversal(self, payment: Payment, *, repeat: bool) -> Opened:
        """Send 0420 (or 0421). Raises CallError; with outcome `not_started` nothing left."""
        record = payment.reversal
        assert record is not None and record.stan is not None and payment.stan is not None  # noqa: S101, PT018
        assert record.local is not None and payment.local is not None and record.business_day is not None  # noqa: S101, PT018
        message = Reversal(
            terminal_id=payment.terminal_id, merchant_id=self._store.merchant.id, stan=record.stan,
            local=record.local, business_day=record.business_day, amount_minor=payment.sold.amount.total_minor,
            original=Original(stan=payment.stan, local=payment.local), reason=record.reason, repeat=repeat,
        )  # fmt: skip
        sealed = await self._seal(message, payment, Purpose.SETTLE, key_id=payment.key_id)
        crashpoints.passing("reversal.before_send")
        answer = await self._exchange(payment, sealed)
        crashpoints.passing("reversal.after_answer")
        return answer.opened

    # Both

    async def _seal(
        self,
        message: MacedMessage,
        payment: Payment,
        purpose: Purpose,
        *,
        reader_id: str | None = None,
        key_id: str | None = None,
    ) -> SealedRequest:
        """Encode and MAC. Whatever fails here, nothing has been sent: CallError `not_started`."""
        unsealed = self._adapter.encode(message)
        request = GenerateMac(
            profile=payment.profile, terminal_id=payment.terminal_id, purpose=purpose, head=unsealed.head,
            tail=unsealed.tail, reader_id=reader_id, key_id=key_id,
        )  # fmt: skip
        crashpoints.passing("seal.before_mac")
        try:
            made = await self._keys.call(MAC_GENERATE, request, ttl_s=_KEY_WAIT_S, trace=payment.trace)
        except CallError as error:
            raise CallError.not_started(error.code, error.message, retryable=error.retryable) from None
        crashpoints.passing("seal.after_mac")
        return SealedRequest(self._adapter.seal(unsealed, made.ksn, made.mac), made.ksn, made.key_id)

    async def _exchange(self, payment: Payment, sealed: SealedRequest) -> Answer:
        wait_s = self._settings.answer_wait_s
        exchanged = await self._host.call(
            EXCHANGE, Exchange(payment.profile, sealed.raw, wait_s), ttl_s=wait_s + _MARGIN_S, trace=payment.trace
        )
        crashpoints.passing("transmit.after_answer")
        try:
            opened = self._adapter.open(exchanged.message)
        except HostFormatError as error:
            raise CallError.unknown(ErrorCode.INVALID_BODY, f"the host's answer does not parse: {error}") from None
        if opened.ksn != sealed.ksn or not await self._mac_is_right(payment, sealed, opened):
            raise CallError.unknown(ErrorCode.INVALID_BODY, "the MAC of the host's answer is wrong")
        return Answer(opened, exchanged.host_us)

    async def _mac_is_right(self, payment: Payment, sealed: SealedRequest, opened: Opened) -> bool:
        try:
            verified = await self._keys.call(
                MAC_VERIFY,
                VerifyMac(
                    profile=payment.profile, terminal_id=payment.terminal_id, key_id=sealed.key_id, ksn=sealed.ksn,
                    data=opened.covered, mac=opened.mac,
                ),
                ttl_s=_KEY_WAIT_S, trace=payment.trace,
            )  # fmt: skip
        except CallError as error:
            raise CallError.unknown(error.code, f"the answer's MAC could not be checked: {error.message}") from None
        return verified.valid

"""The steps of a payment that the card host takes part in: seal, send once, and believe only what is MACed."""

from __future__ import annotations

import hashlib
from typing import Protocol

from msgspec import Struct

from tpayd.hosts import HostAdapter, HostFormatError, HostTotals, MacedMessage, Opened, Quiet, Reconciliation
from tpayd.kit import crashpoints
from tpayd.kit.bus import Caller, CallError
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.kit.store_settings import StoreSettings
from tpayd.transaction import events as ev
from tpayd.transaction.orders.intake import Carried
from tpayd.transaction.payment import Payment
from tpayd.transaction.settings import TransactionSettings
from tpayd.transaction.steps.business_day import business_day_of, stamp_of
from tpayd.transaction.steps.requests import Numbered, Presented, financial_of, inquiry_of, reversal_of
from tpayd.transaction.steps.stans import Stans
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.host import EXCHANGE, Exchange
from tpayd_contracts.keys import DATA_ENCRYPT, MAC_GENERATE, MAC_VERIFY, EncryptData, GenerateMac, Purpose, VerifyMac
from tpayd_contracts.payment import Reason

__all__ = ["HOST_MARGIN_S", "KEY_WAIT_S", "Answer", "HostSteps", "SealedRequest", "Sender"]

KEY_WAIT_S = 5.0
HOST_MARGIN_S = 2.0
"""What an exchange gets beyond the host's own time, so that the host link's clear error arrives first."""


class SealedRequest(Quiet, frozen=True):
    """A request that is complete, and not yet sent."""

    raw: bytes
    ksn: bytes
    key_id: str


class Answer(Struct, frozen=True):
    """An answer whose MAC is right and that belongs to the request."""

    opened: Opened
    host_us: int


class Sender(Protocol):
    """On whose behalf something is sent: a payment, or a terminal."""

    @property
    def profile(self) -> str: ...

    @property
    def terminal_id(self) -> str: ...

    @property
    def trace(self) -> str | None: ...


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

    @property
    def reachable(self) -> bool:
        """Whether the processes that seal and send are there. Whether the line is, only a sending tells."""
        return self._keys.connected and self._host.connected

    def number(self, of: Sender) -> Numbered:
        """A STAN, local time and business day for the terminal's next request."""
        now = self._clock.local()
        return Numbered(
            self._stans.take(of.terminal_id), stamp_of(now),
            business_day_of(now, self._settings.business_day_cutoff),
        )  # fmt: skip

    # An order

    async def encrypt(self, payment: Payment, carried: Carried) -> Presented | ev.Stopped:
        """A typed or scanned number, as the host gets it."""
        request = EncryptData(payment.profile, payment.terminal_id, Purpose.NEW_PAYMENT, carried.number)
        try:
            made = await self._keys.call(DATA_ENCRYPT, request, ttl_s=KEY_WAIT_S, trace=payment.trace)
        except CallError as error:
            return ev.Stopped(_reason(error), error.message)
        return Presented(entry_mode=carried.entry_mode, ksn=made.ksn, cipher=made.cipher, terminal_cipher=True)

    async def seal_order(
        self, payment: Payment, presented: Presented, reader_id: str | None, signature: bytes
    ) -> tuple[SealedRequest | None, ev.Sealed | ev.Stopped]:
        """Give the order its STAN and business day, and have it MACed."""
        number = self.number(payment)
        try:
            message = financial_of(payment, self._store.merchant.id, number, presented, signature)
            sealed = await self._seal(message, payment, Purpose.NEW_PAYMENT, reader_id=reader_id)
        except CallError as error:
            self._log.warning("payment.not_sealed", payment=payment.payment_id, trace=payment.trace, why=error.message)
            return None, ev.Stopped(_reason(error), error.message)
        except HostFormatError as error:
            return None, ev.Stopped(Reason.CARD_FAILED, str(error))
        event = ev.Sealed(
            number.stan, number.local, number.business_day, sealed.key_id, hashlib.sha256(sealed.raw).digest(),
            self._clock.unix_ms(),
        )  # fmt: skip
        return sealed, event

    async def send_order(
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
        if opened.amount_minor not in (None, payment.amount_minor) or opened.approval_code is None:
            text = "the approval is for another amount, or has no approval code"
            return None, ev.HostUnknown(Reason.HOST_ANSWER_REFUSED, text, answer.host_us)
        return opened, ev.HostApproved(
            opened.response_code, opened.approval_code, self._clock.unix_ms(), answer.host_us,
            opened.issuer, opened.acquirer, opened.message,
        )  # fmt: skip

    # What follows one whose answer was lost

    async def send_reversal(self, payment: Payment, *, repeat: bool) -> Opened:
        """Send 0420 (or 0421). Raises CallError; with outcome `not_started` nothing left."""
        message = reversal_of(payment, self._store.merchant.id, repeat=repeat)
        sealed = await self._seal(message, payment, Purpose.SETTLE, key_id=payment.key_id)
        crashpoints.passing("reversal.before_send")
        opened = (await self._exchange(payment, sealed)).opened
        crashpoints.passing("reversal.after_answer")
        return opened

    async def send_inquiry(self, payment: Payment) -> Opened:
        """Send 0600. Raises CallError; with outcome `not_started` nothing left."""
        message = inquiry_of(payment, self._store.merchant.id)
        sealed = await self._seal(message, payment, Purpose.SETTLE, key_id=payment.key_id)
        crashpoints.passing("inquiry.before_send")
        opened = (await self._exchange(payment, sealed)).opened
        crashpoints.passing("inquiry.after_answer")
        return opened

    # Close of business

    async def send_reconciliation(self, of: Sender, business_day: str, totals: HostTotals) -> Opened:
        """Send 0500 about a terminal's day. Raises CallError."""
        number = self.number(of)
        message = Reconciliation(
            terminal_id=of.terminal_id, merchant_id=self._store.merchant.id, stan=number.stan, local=number.local,
            business_day=business_day, totals=totals,
        )  # fmt: skip
        sealed = await self._seal(message, of, Purpose.SETTLE)
        return (await self._exchange(of, sealed)).opened

    # All of them

    async def _seal(
        self,
        message: MacedMessage,
        of: Sender,
        purpose: Purpose,
        *,
        reader_id: str | None = None,
        key_id: str | None = None,
    ) -> SealedRequest:
        """Encode and MAC. Whatever fails here, nothing has been sent: CallError `not_started`."""
        unsealed = self._adapter.encode(message)
        request = GenerateMac(
            profile=of.profile, terminal_id=of.terminal_id, purpose=purpose, head=unsealed.head,
            tail=unsealed.tail, reader_id=reader_id, key_id=key_id,
        )  # fmt: skip
        crashpoints.passing("seal.before_mac")
        try:
            made = await self._keys.call(MAC_GENERATE, request, ttl_s=KEY_WAIT_S, trace=of.trace)
        except CallError as error:
            raise CallError.not_started(error.code, error.message, retryable=error.retryable) from None
        crashpoints.passing("seal.after_mac")
        return SealedRequest(self._adapter.seal(unsealed, made.ksn, made.mac), made.ksn, made.key_id)

    async def _exchange(self, of: Sender, sealed: SealedRequest) -> Answer:
        wait_s = self._settings.answer_wait_s
        exchanged = await self._host.call(
            EXCHANGE, Exchange(of.profile, sealed.raw, wait_s), ttl_s=wait_s + HOST_MARGIN_S, trace=of.trace
        )
        crashpoints.passing("transmit.after_answer")
        try:
            opened = self._adapter.open(exchanged.message)
        except HostFormatError as error:
            raise CallError.unknown(ErrorCode.INVALID_BODY, f"the host's answer does not parse: {error}") from None
        if opened.ksn != sealed.ksn or not await self._mac_is_right(of, sealed, opened):
            raise CallError.unknown(ErrorCode.INVALID_BODY, "the MAC of the host's answer is wrong")
        return Answer(opened, exchanged.host_us)

    async def _mac_is_right(self, of: Sender, sealed: SealedRequest, opened: Opened) -> bool:
        try:
            verified = await self._keys.call(
                MAC_VERIFY,
                VerifyMac(
                    profile=of.profile, terminal_id=of.terminal_id, key_id=sealed.key_id, ksn=sealed.ksn,
                    data=opened.covered, mac=opened.mac,
                ),
                ttl_s=KEY_WAIT_S, trace=of.trace,
            )  # fmt: skip
        except CallError as error:
            raise CallError.unknown(error.code, f"the answer's MAC could not be checked: {error.message}") from None
        return verified.valid


def _reason(refused: CallError) -> Reason:
    """Why the key manager made no MAC, in the POS's words."""
    return Reason.INTEGRITY_FAILED if refused.code is ErrorCode.INTEGRITY_FAILED else Reason.KEY_UNAVAILABLE

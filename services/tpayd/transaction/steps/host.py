"""The steps of a payment that the card host takes part in: number it, send it once, and believe only what is MACed.

One call of the key manager is the whole exchange: it MACs, has the host link send, and checks the answer's MAC (ADR
0034). So the key is named before SENDING is on disk, and used only while it is the terminal's own: what a reversal is
MACed under is known after any crash. Which key that is was told here once; the key manager says when it no longer is.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from msgspec import Struct

from tpayd.hosts import HostAdapter, HostFormatError, HostTotals, MacedMessage, Opened, Reconciliation, Unsealed
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
from tpayd_contracts.keys import (
    DATA_ENCRYPT,
    MAC_EXCHANGE,
    MAC_KEY,
    REPLACED,
    EncryptData,
    ExchangeMaced,
    FindMacKey,
    Purpose,
)
from tpayd_contracts.payment import Reason

__all__ = ["HOST_MARGIN_S", "KEY_WAIT_S", "Answer", "HostSteps", "Prepared", "Sender"]

KEY_WAIT_S = 5.0
HOST_MARGIN_S = 2.0
"""What an exchange gets beyond the host's own time, so that the host link's clear error arrives first."""
_KEY_TROUBLE = frozenset(
    {ErrorCode.KEY_UNAVAILABLE, ErrorCode.INTEGRITY_FAILED, ErrorCode.UNAVAILABLE, ErrorCode.STORAGE_FAILED}
)
"""Refusals that are the key manager's own, or say that it is not there."""


class Prepared(Struct, frozen=True):
    """A request that is complete but for its MAC, and not yet sent."""

    unsealed: Unsealed
    reader_id: str | None
    """Of the reader whose key must be valid when it is sent."""


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
        self._key_ids: dict[str, str] = {}
        """Each terminal's MAC key, as the key manager named it last."""

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

    async def prepare_order(
        self, payment: Payment, presented: Presented, reader_id: str | None, signature: bytes
    ) -> tuple[Prepared | None, ev.Sealed | ev.Stopped]:
        """Give the order its STAN, business day and key, and encode it."""
        key_id = self._key_ids.get(payment.terminal_id)
        if key_id is None:
            try:
                key_id = await self._ask_key(payment, reader_id)
            except CallError as error:
                self._not_sealed(payment, error)
                return None, ev.Stopped(_reason(error), error.message)
        number = self.number(payment)
        try:
            message = financial_of(payment, self._store.merchant.id, number, presented, signature)
            unsealed = self._adapter.encode(message)
        except HostFormatError as error:
            return None, ev.Stopped(Reason.CARD_FAILED, str(error))
        crashpoints.passing("seal.encoded")
        event = ev.Sealed(
            number.stan, number.local, number.business_day, key_id,
            hashlib.sha256(unsealed.head + unsealed.tail).digest(), self._clock.unix_ms(),
        )  # fmt: skip
        return Prepared(unsealed, reader_id), event

    async def send_order(
        self, payment: Payment, prepared: Prepared
    ) -> tuple[Opened | None, ev.HostApproved | ev.HostDeclined | ev.HostUnknown | ev.NotSent | ev.KeyReplaced]:
        """Send it, once. Every way in which this can end is one of five events."""
        started_us = self._clock.monotonic_us()
        crashpoints.passing("transmit.before_send")
        try:
            answer = await self._exchange(
                payment, prepared.unsealed, Purpose.NEW_PAYMENT, payment.key_id, prepared.reader_id
            )
        except CallError as error:
            if error.outcome == Outcome.NOT_STARTED:
                return None, await self._not_sent(payment, prepared, error)
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

    async def _not_sent(self, payment: Payment, prepared: Prepared, refused: CallError) -> ev.NotSent | ev.KeyReplaced:
        """No byte left, which both key manager and host link can tell for certain."""
        if refused.code not in _KEY_TROUBLE:
            return ev.NotSent(refused.message)
        # The next payment asks before it is numbered.
        self._key_ids.pop(payment.terminal_id, None)
        if refused.code is ErrorCode.KEY_UNAVAILABLE and refused.detail == REPLACED:
            try:
                key_id = await self._ask_key(payment, prepared.reader_id)
                if key_id != payment.key_id:
                    return ev.KeyReplaced(key_id)
            except CallError as error:
                refused = error
        self._not_sealed(payment, refused)
        return ev.NotSent(refused.message, _reason(refused))

    def _not_sealed(self, payment: Payment, refused: CallError) -> None:
        self._log.warning("payment.not_sealed", payment=payment.payment_id, trace=payment.trace, why=refused.message)

    async def _ask_key(self, payment: Payment, reader_id: str | None) -> str:
        """The terminal's key, if a payment may begin under it. Raises CallError."""
        asked = FindMacKey(payment.profile, payment.terminal_id, reader_id)
        found = await self._keys.call(MAC_KEY, asked, ttl_s=KEY_WAIT_S, trace=payment.trace)
        self._key_ids[payment.terminal_id] = found.key_id
        return found.key_id

    # What follows one whose answer was lost

    async def send_reversal(self, payment: Payment, *, repeat: bool) -> Opened:
        """Send 0420 (or 0421). Raises CallError; with outcome `not_started` nothing left."""
        message = reversal_of(payment, self._store.merchant.id, repeat=repeat)
        crashpoints.passing("reversal.before_send")
        opened = await self._settle(payment, message, payment.key_id)
        crashpoints.passing("reversal.after_answer")
        return opened

    async def send_inquiry(self, payment: Payment) -> Opened:
        """Send 0600. Raises CallError; with outcome `not_started` nothing left."""
        message = inquiry_of(payment, self._store.merchant.id)
        crashpoints.passing("inquiry.before_send")
        opened = await self._settle(payment, message, payment.key_id)
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
        return await self._settle(of, message, None)

    # All of them

    async def _settle(self, of: Sender, message: MacedMessage, key_id: str | None) -> Opened:
        return (await self._exchange(of, self._adapter.encode(message), Purpose.SETTLE, key_id)).opened

    async def _exchange(
        self, of: Sender, message: Unsealed, purpose: Purpose, key_id: str | None, reader_id: str | None = None
    ) -> Answer:
        wait_s = self._settings.answer_wait_s
        body = ExchangeMaced(of.profile, of.terminal_id, purpose, message.head, message.tail, wait_s, key_id, reader_id)
        exchanged = await self._keys.call(MAC_EXCHANGE, body, ttl_s=wait_s + HOST_MARGIN_S + KEY_WAIT_S, trace=of.trace)
        crashpoints.passing("transmit.after_answer")
        try:
            opened = self._adapter.open(exchanged.message)
        except HostFormatError as error:
            raise CallError.unknown(ErrorCode.INVALID_BODY, f"the host's answer does not parse: {error}") from None
        if opened.ksn != exchanged.ksn:
            raise CallError.unknown(ErrorCode.INVALID_BODY, "the host's answer names another KSN than the request")
        return Answer(opened, exchanged.host_us)


def _reason(refused: CallError) -> Reason:
    """Why the key manager refused, in the POS's words."""
    return Reason.INTEGRITY_FAILED if refused.code is ErrorCode.INTEGRITY_FAILED else Reason.KEY_UNAVAILABLE

"""The requests of a loop turn, from bytes to what leaves: checked, judged, booked, answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from itertools import groupby, starmap

from msgspec import Struct, structs

from tpayd.crypto.dukpt import IKID_BYTES
from tpayd.crypto.mac import cmac8, verify8
from tpayd.hosts import (
    Financial,
    HostFormatError,
    HostTotals,
    Inquiry,
    Kind,
    Merchant,
    MerchantDownload,
    NetworkMessage,
    OpenTerminal,
    ReaderKeyExchange,
    Reconciliation,
    Reversal,
    TerminalKeyExchange,
    Unsealed,
)
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.codec import seal
from tpayd.kit.clock import Clock
from tpayd.kit.logs import Log
from tpayd.sandbox.host.asked import UNBOOKED, Asked, Send
from tpayd.sandbox.host.cards import IssuedCards
from tpayd.sandbox.host.codes import Code
from tpayd.sandbox.host.delivery import Delivery, deliveries
from tpayd.sandbox.host.issuing import Issuing
from tpayd.sandbox.host.judging import Judge
from tpayd.sandbox.host.keychain import Keychain, MacKeys
from tpayd.sandbox.host.ledger import Ledger
from tpayd.sandbox.host.merchants import Merchants
from tpayd.sandbox.host.network import network_reply
from tpayd.sandbox.host.replies import HostTime, financial_reply, inquiry_reply
from tpayd.sandbox.host.triggers import behaviour_for
from tpayd_contracts.sandbox import HostBehaviour, HostMode, HostRequest

__all__ = ["Desk", "HostTerms"]

_AS_ASKED = HostBehaviour()
_KEY_REQUESTS: dict[type, HostRequest] = {
    TerminalKeyExchange: HostRequest.TERMINAL_KEY, ReaderKeyExchange: HostRequest.READER_KEY,
}  # fmt: skip
_ASKS_FOR = {kind: HostRequest(kind.value) for kind in Kind}


class HostTerms(Struct, frozen=True, kw_only=True):
    """What this host agreed on with its merchant."""

    merchant: Merchant
    terminals: frozenset[str]
    pins: dict[str, str] = {}
    """Of cards, by token."""
    issued: IssuedCards = IssuedCards()
    partial_voids: bool = True
    late_answer_s: float = 45.0
    time_ahead_s: int = 0


class Desk:
    """Takes requests in any order; `settle` makes the turn's bookings durable and lets their answers go."""

    def __init__(self, database: sqlite3.Connection, clock: Clock, terms: HostTerms, log: Log) -> None:
        self.behaviour = HostBehaviour()
        self.ledger_failed = False
        """Whether the last commit failed."""
        self._database = database
        self._terms = terms
        self._keychain = Keychain()
        self._read_books()
        self._clock = clock
        self._today = clock.local().date()
        self._late_answer_ms = int(terms.late_answer_s * 1000)
        self._log = log
        self._taken: list[tuple[bytes, Send]] = []
        self._held: dict[Send, list[Delivery]] = {}
        self._time = HostTime(clock, terms.time_ahead_s)

    def take(self, raw: bytes, send: Send) -> None:
        """Take in one request; `settle` handles it, and its answer goes to `send`."""
        self._taken.append((raw, send))

    def settle(self) -> None:
        """Handle what was taken in, commit, then let the answers go.

        Without a commit there is no answer: nothing of it was booked.
        """
        taken, self._taken = self._taken, []
        self._today = self._clock.local().date()
        for financial, run in groupby(self._read(taken), _is_financial):
            if financial:
                self._financials(run)
            else:
                for received, send in run:
                    self._handle(received, send)
        held, self._held = self._held, {}
        try:
            self.ledger.commit()
        except sqlite3.Error as error:
            self._log.error("sandbox.ledger_failed", why=str(error), unanswered=sum(map(len, held.values())))
            self.ledger_failed = True
            self._read_books()
            return
        self.ledger_failed = False
        for send, what in held.items():
            send(what)

    def _read_books(self) -> None:
        """What is kept in memory beside the database, as the database has it."""
        self.ledger = Ledger(self._database)
        self._issuing = Issuing(self._database)
        terms = self._terms
        self._judge = Judge(
            self._keychain, self._issuing, self.ledger.lookups,
            partial_voids=terms.partial_voids, pins=terms.pins, issued=terms.issued,
        )  # fmt: skip
        self._merchants = Merchants(self._database, terms.merchant, terms.terminals)

    def _read(self, taken: list[tuple[bytes, Send]]) -> list[tuple[host_side.Received, Send]]:
        read = []
        for raw, send in taken:
            try:
                read.append((host_side.read(raw, self._today), send))
            except HostFormatError as error:
                self._log.warning("sandbox.unreadable_request", why=str(error), bytes=len(raw))
        return read

    def _handle(self, received: host_side.Received, send: Send) -> None:
        """What is no financial request."""
        message = received.message
        try:
            if isinstance(message, Reversal):
                self._reversal(message, received, send)
            elif isinstance(message, Inquiry):
                self._inquiry(message, received, send)
            elif isinstance(message, Reconciliation):
                self._reconciliation(message, received, send)
            elif isinstance(message, (OpenTerminal, MerchantDownload)):
                self._merchant(message, send)
            elif not isinstance(message, Financial):
                self._line_or_key(message, send)
        except sqlite3.Error as error:
            self._log.error("sandbox.ledger_failed", why=str(error))

    def _financials(self, run: Iterable[tuple[host_side.Received, Send]]) -> None:
        """Requests that came one behind the other in a loop turn: each step is made for all of them, then the next.

        A step that was made just now finds its code in the processor's caches: with a dozen requests a fifth is saved.
        What asks the book and writes it goes request by request: each finds what those before it have booked.
        """
        asked = [each for each in starmap(self._asked, run) if each.behaviour.mode is not HostMode.DEAF]
        for each in asked:
            each.keys = self._keychain.mac_keys(each.received.ksn)
        for each in asked:
            if self._genuine(each.received, each.request.terminal_id, each.keys):
                each.card = self._judge.card(each.request, self._today)
                if each.card is None:
                    self._log.warning("sandbox.bad_card_data", terminal_id=each.request.terminal_id)
        for each in asked:
            self._book(each)
        told = self._time.told()
        for each in asked:
            if each.booked is not None:
                reply = financial_reply(each.booked, each.judged, each.request, told)
                unsealed = host_side.reply_financial(each.request, reply)
                self._answer(unsealed, each.received, each.keys, each.behaviour, each.send)

    def _asked(self, received: host_side.Received, send: Send) -> Asked:
        request = received.message
        assert isinstance(request, Financial)  # noqa: S101 - the run is of those
        ordered = self._ordered(_ASKS_FOR[request.kind])
        return Asked(request, received, send, behaviour_for(request.kind, request.total_minor, ordered))

    def _book(self, asked: Asked) -> None:
        """Judge a request by the book, and book it. What is not genuine is not booked."""
        request, card, behaviour = asked.request, asked.card, asked.behaviour
        if card is None:
            asked.booked = UNBOOKED
            return
        declined = behaviour.code if behaviour.mode is HostMode.DECLINE else None
        try:
            judged = asked.judged = self._judge.judge(request, card, self._today)
            asked.booked = self.ledger.book(request, judged.card, declined or judged.code, judged.original)
        except sqlite3.Error as error:
            self._log.error("sandbox.ledger_failed", why=str(error))

    def _reversal(self, reversal: Reversal, received: host_side.Received, send: Send) -> None:
        behaviour = self._ordered(HostRequest.REVERSAL)
        if behaviour.mode is HostMode.DEAF:
            return
        keys = self._keychain.mac_keys(received.ksn)
        code = self._refusal(behaviour, received, reversal.terminal_id, keys) or self.ledger.reverse(reversal)
        self._answer(host_side.reply_reversal(reversal, code), received, keys, behaviour, send)

    def _inquiry(self, inquiry: Inquiry, received: host_side.Received, send: Send) -> None:
        behaviour = self._ordered(HostRequest.INQUIRY)
        if behaviour.mode is HostMode.DEAF:
            return
        keys = self._keychain.mac_keys(received.ksn)
        refusal = self._refusal(behaviour, received, inquiry.terminal_id, keys)
        if refusal is None:
            reply = self._what_became(inquiry)
        else:
            reply = host_side.InquiryReply(response_code=refusal, at=self._time.told())
        self._answer(host_side.reply_inquiry(inquiry, reply), received, keys, behaviour, send)

    def _what_became(self, inquiry: Inquiry) -> host_side.InquiryReply:
        found = self.ledger.lookups.find(inquiry.original, inquiry.terminal_id)
        if found is None:
            self.ledger.remember(inquiry.original, inquiry.terminal_id)
        return inquiry_reply(found, inquiry.merchant_id, self._time.told())

    def _reconciliation(self, told: Reconciliation, received: host_side.Received, send: Send) -> None:
        behaviour = self._ordered(HostRequest.RECONCILIATION)
        if behaviour.mode is HostMode.DEAF:
            return
        own = self.ledger.lookups.totals(told.terminal_id, told.business_day)
        code = Code.APPROVED if own == told.totals else Code.OUT_OF_BALANCE
        keys = self._keychain.mac_keys(received.ksn)
        refusal = self._refusal(behaviour, received, told.terminal_id, keys)
        self._answer(
            host_side.reply_reconciliation(told, refusal or code, HostTotals() if refusal else own, self._time.told()),
            received, keys, behaviour, send,
        )  # fmt: skip

    def _merchant(self, request: OpenTerminal | MerchantDownload, send: Send) -> None:
        opens = isinstance(request, OpenTerminal)
        what = HostRequest.OPEN_TERMINAL if opens else HostRequest.MERCHANT_DOWNLOAD
        behaviour = self._ordered(what) if self.behaviour.only is what else _AS_ASKED
        if behaviour.mode is HostMode.DEAF:
            return
        merchant: Merchant | None = None
        code: str = behaviour.code
        if behaviour.mode is not HostMode.DECLINE:
            if isinstance(request, OpenTerminal):
                code = self._merchants.open(request)
            else:
                code, merchant = self._merchants.download(request)
        reply = host_side.NetworkReply(response_code=code, merchant=merchant)
        self._hold(send, deliveries(host_side.reply_network(request, reply), behaviour, self._late_answer_ms))

    def _line_or_key(self, message: NetworkMessage, send: Send) -> None:
        what = _KEY_REQUESTS.get(type(message))
        behaviour = self._ordered(what) if what is not None and self.behaviour.only is what else _AS_ASKED
        if behaviour.mode is HostMode.DEAF:
            return
        if behaviour.mode is HostMode.DECLINE:
            answer = host_side.reply_network(message, host_side.NetworkReply(response_code=behaviour.code))
        else:
            answer = host_side.reply_network(message, network_reply(message, self._issuing, self._log))
        self._hold(send, deliveries(answer, behaviour, self._late_answer_ms))

    def _ordered(self, what: HostRequest) -> HostBehaviour:
        """What a command ordered for this request; counts it."""
        ordered = self.behaviour
        if ordered.only not in (None, what):
            return _AS_ASKED
        if ordered.times:
            left = ordered.times - 1
            self.behaviour = structs.replace(ordered, times=left) if left else HostBehaviour()
        return ordered

    def _refusal(
        self, behaviour: HostBehaviour, received: host_side.Received, terminal_id: str, keys: MacKeys | None
    ) -> str | None:
        """Why nothing is looked up for this request: its MAC, or a decline that was ordered for its like by name."""
        if not self._genuine(received, terminal_id, keys):
            return Code.NOT_GENUINE
        return behaviour.code if behaviour.mode is HostMode.DECLINE and behaviour.only is not None else None

    def _genuine(self, received: host_side.Received, terminal_id: str, keys: MacKeys | None) -> bool:
        holds = (
            keys is not None
            and self._issuing.owner(received.ksn[:IKID_BYTES]) == terminal_id
            and verify8(keys.request, received.covered, received.mac)
        )
        if not holds:
            self._log.warning("sandbox.bad_mac", terminal_id=terminal_id)
        return holds

    def _answer(
        self,
        unsealed: Unsealed,
        received: host_side.Received,
        keys: MacKeys | None,
        behaviour: HostBehaviour,
        send: Send,
    ) -> None:
        """MAC the answer under the same KSN as its request; one without a KSN gets none."""
        if keys is None:
            return
        ksn = received.ksn
        answer = seal(unsealed, ksn, cmac8(keys.answer, unsealed.head + ksn + unsealed.tail))
        self._hold(send, deliveries(answer, behaviour, self._late_answer_ms))

    def _hold(self, send: Send, what: tuple[Delivery, ...]) -> None:
        self._held.setdefault(send, []).extend(what)


def _is_financial(read: tuple[host_side.Received, Send]) -> bool:
    return isinstance(read[0].message, Financial)

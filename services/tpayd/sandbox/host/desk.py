"""One request from bytes to what leaves: checked, judged, booked, answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from msgspec import structs

from tpayd.crypto.errors import ExchangeError
from tpayd.crypto.exchange import Role
from tpayd.crypto.mac import cmac8
from tpayd.hosts import (
    EmvAnswer,
    Financial,
    HostFormatError,
    Inquiry,
    Kind,
    NetworkMessage,
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
from tpayd.sandbox.host.cards import Card, read_track
from tpayd.sandbox.host.codes import Code, text_of
from tpayd.sandbox.host.delivery import Delivery, deliveries
from tpayd.sandbox.host.issuing import Issuing
from tpayd.sandbox.host.keychain import Keychain
from tpayd.sandbox.host.ledger import Booked, Ledger, approval_code
from tpayd.sandbox.host.triggers import behaviour_for
from tpayd.sandbox.secrets import PAN_TOKEN_KEY
from tpayd_contracts.payment import EntryMode
from tpayd_contracts.sandbox import HostBehaviour, HostMode

__all__ = ["Desk", "Send"]

_IKID_BYTES = 8
_AS_ASKED = HostBehaviour()
_UNKNOWN_CARD = Card(masked_pan="", token="", issuer="", acquirer="")

Send = Callable[[Sequence[Delivery]], None]
"""Takes all that leaves one connection in a turn, in order."""


class Desk:
    """Takes requests in any order; `settle` makes the turn's bookings durable and lets their answers go."""

    def __init__(self, database: sqlite3.Connection, clock: Clock, late_answer_s: float, log: Log) -> None:
        self.behaviour = HostBehaviour()
        self.ledger_failed = False
        """Whether the last commit failed."""
        self._database = database
        self._read_books()
        self._keychain = Keychain()
        self._clock = clock
        self._today = clock.local().date()
        self._late_answer_ms = int(late_answer_s * 1000)
        self._log = log
        self._held: dict[Send, list[Delivery]] = {}

    @property
    def holding(self) -> bool:
        """Whether an answer waits for `settle`."""
        return bool(self._held)

    def take(self, raw: bytes, send: Send) -> None:
        """Handle one request; its answer goes to `send` once its booking is durable."""
        if not self._held:
            # The first since the last settle: the others come in the same loop turn.
            self._today = self._clock.local().date()
        try:
            received = host_side.read(raw, self._today)
        except HostFormatError as error:
            self._log.warning("sandbox.unreadable_request", why=str(error), bytes=len(raw))
            return
        try:
            self._handle(received, send)
        except sqlite3.Error as error:
            self._log.error("sandbox.ledger_failed", why=str(error))

    def settle(self) -> None:
        """Commit, then let the answers go. Without a commit there is no answer: nothing of it was booked."""
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

    def _handle(self, received: host_side.Received, send: Send) -> None:
        message = received.message
        if isinstance(message, (Inquiry, Reconciliation)) or getattr(message, "kind", Kind.SALE) is not Kind.SALE:
            self._log.warning("sandbox.unsupported", message=type(message).__name__)
        elif isinstance(message, Financial):
            self._financial(message, received, send)
        elif isinstance(message, Reversal):
            self._reversal(message, received, send)
        else:
            self._hold(send, deliveries(self._network(message), _AS_ASKED, 0))

    def _financial(self, sale: Financial, received: host_side.Received, send: Send) -> None:
        behaviour = behaviour_for(sale.total_minor, self._ordered())
        if behaviour.mode is HostMode.DEAF:
            return
        card = self._card(sale) if self._genuine(received, sale.terminal_id) else None
        if card is None:
            reply = _reply(Booked(0, Code.NOT_GENUINE, fresh=False), _UNKNOWN_CARD, sale)
        else:
            declined = behaviour.code if behaviour.mode is HostMode.DECLINE else None
            booked = self.ledger.book(sale, card, declined or card.refusal or Code.APPROVED)
            reply = _reply(booked, card, sale)
        self._answer(host_side.reply_financial(sale, reply), received.ksn, behaviour, send)

    def _reversal(self, reversal: Reversal, received: host_side.Received, send: Send) -> None:
        behaviour = self._ordered()
        if behaviour.mode is HostMode.DEAF:
            return
        genuine = self._genuine(received, reversal.terminal_id)
        code = self.ledger.reverse(reversal) if genuine else Code.NOT_GENUINE
        self._answer(host_side.reply_reversal(reversal, code), received.ksn, behaviour, send)

    def _network(self, message: NetworkMessage) -> bytes:
        reply = host_side.NetworkReply(response_code=Code.APPROVED)
        if isinstance(message, (TerminalKeyExchange, ReaderKeyExchange)):
            terminal = isinstance(message, TerminalKeyExchange)
            try:
                issued = self._issuing.issue(
                    Role.TERMINAL if terminal else Role.READER, message.blob, message.terminal_id if terminal else None
                )
            except ExchangeError as error:
                self._log.warning("sandbox.key_exchange_refused", terminal_id=message.terminal_id, why=str(error))
                reply = host_side.NetworkReply(response_code=Code.NOT_GENUINE)
            else:
                reply = host_side.NetworkReply(
                    response_code=Code.APPROVED,
                    key_blob=issued.blob,
                    ikid=issued.ikid,
                    check_value=bytes.fromhex(issued.check_value),
                )
        return host_side.reply_network(message, reply)

    def _ordered(self) -> HostBehaviour:
        """What a command ordered for this request; counts it."""
        ordered = self.behaviour
        if ordered.times:
            left = ordered.times - 1
            self.behaviour = structs.replace(ordered, times=left) if left else HostBehaviour()
        return ordered

    def _genuine(self, received: host_side.Received, terminal_id: str) -> bool:
        holds = self._issuing.owner(received.ksn[:_IKID_BYTES]) == terminal_id and self._keychain.mac_holds(
            received.ksn, received.covered, received.mac
        )
        if not holds:
            self._log.warning("sandbox.bad_mac", terminal_id=terminal_id)
        return holds

    def _card(self, sale: Financial) -> Card | None:
        track = None
        if self._issuing.owner(sale.ksn[:_IKID_BYTES]) is not None:
            track = self._keychain.track(sale.ksn, sale.cipher)
        if track is None:
            self._log.warning("sandbox.bad_card_data", terminal_id=sale.terminal_id)
            return None
        return read_track(track, self._today)

    def _answer(self, unsealed: Unsealed, ksn: bytes, behaviour: HostBehaviour, send: Send) -> None:
        mac = self._keychain.mac(ksn, unsealed.head + ksn + unsealed.tail)
        if mac is None:
            return
        answer = seal(unsealed, ksn, mac)
        self._hold(send, deliveries(answer, behaviour, self._late_answer_ms))

    def _hold(self, send: Send, what: tuple[Delivery, ...]) -> None:
        self._held.setdefault(send, []).extend(what)


def _reply(booked: Booked, card: Card, sale: Financial) -> host_side.FinancialReply:
    code = str(booked.response_code)
    emv = None
    if sale.entry_mode is EntryMode.IC:
        # Stands for the issuer's cryptogram: ARPC (8 bytes) and response code (EMV Book 2, 8.2.1).
        emv = EmvAnswer(arc=code, issuer_data=cmac8(PAN_TOKEN_KEY, sale.emv) + code.encode())
    return host_side.FinancialReply(
        response_code=code,
        host_reference=f"SBX{booked.number:09d}",
        approval_code=approval_code(booked.number) if code == Code.APPROVED else None,
        issuer=card.issuer or None,
        acquirer=card.acquirer or None,
        message=text_of(code),
        emv=emv,
    )

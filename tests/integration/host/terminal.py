"""A terminal for tests: its own keys, its own numbers, and the host link as its only way to the host."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from tests.harness import Store
from tpayd.crypto.dukpt import Derivation, Usage, make_ksn, next_counter
from tpayd.crypto.exchange import Role, begin, finish
from tpayd.crypto.mac import cmac8, verify8
from tpayd.crypto.track import encrypt_track
from tpayd.hosts import (
    Financial,
    MacedMessage,
    Opened,
    Original,
    ReaderKeyExchange,
    Reversal,
    ReversalReason,
    TerminalKeyExchange,
    load,
)
from tpayd.sandbox.secrets import sandbox_transport_key
from tpayd_contracts.host import EXCHANGE, Exchange, Exchanged
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode

ADAPTER = load("iso8583")
TRACK = "9410127734567890D30122010000000000000"
"""A card of no list, so that a search for its number finds leaks only."""
EMV = bytes.fromhex("9F2608112233445566778895050000008000")

Send = Callable[[bytes, float], Exchanged]


class Keys:
    """One owner's initial key, fetched from the host."""

    def __init__(self, role: Role, owner: str, relay: Callable[[bytes], Opened], sequence: int) -> None:
        transport = sandbox_transport_key(role, owner)
        pending = begin(role, owner, transport, sequence)
        opened = relay(pending.request)
        received = finish(pending, opened.key_blob, transport, opened.ikid)
        assert received.check_value == opened.check_value
        self.ikid = received.ikid
        self.derivation = Derivation(received.initial_key, received.ikid)
        self._counter = 0

    def next_ksn(self) -> tuple[bytes, int]:
        self._counter = next_counter(self._counter)
        return make_ksn(self.ikid, self._counter), self._counter


@dataclass
class Answer:
    """What the host said, and whether its MAC holds."""

    opened: Opened
    genuine: bool
    exchanged: Exchanged


class Terminal:
    """Makes sales and reversals as the transaction service would."""

    def __init__(self, send: Send, terminal_id: str = "TPAY0001") -> None:
        self.terminal_id = terminal_id
        self._send = send
        self._stans = count(1)
        sequence = time.time_ns()
        self._mac_keys = Keys(Role.TERMINAL, terminal_id, self._relay(TerminalKeyExchange), sequence)
        reader_id = f"TEST READER OF {terminal_id}"
        self._reader_keys = Keys(Role.READER, reader_id, self._relay(ReaderKeyExchange), sequence)

    @classmethod
    def of(cls, store: Store, terminal_id: str = "TPAY0001") -> Terminal:
        """A terminal that calls the store's host link as the transaction service."""

        def send(message: bytes, wait_s: float) -> Exchanged:
            body = Exchange(profile="test", message=message, answer_wait_s=wait_s)
            return store.ask("host_link", EXCHANGE, body, name="transaction", timeout_s=wait_s + 5)

        return cls(send, terminal_id)

    def sale(self, total_minor: int, *, track: str = TRACK, entry_mode: EntryMode = EntryMode.IC) -> Financial:
        """A sale, not yet sent."""
        ksn, counter = self._reader_keys.next_ksn()
        key = self._reader_keys.derivation.working_key(counter, Usage.DATA_ENCRYPTION)
        now = datetime.now().astimezone()
        return Financial(
            terminal_id=self.terminal_id,
            merchant_id="TPAYSANDBOX0001",
            stan=self.stan(),
            local=now.strftime("%Y%m%d%H%M%S"),
            business_day=now.strftime("%Y%m%d"),
            amount=Amount(total_minor=total_minor),
            entry_mode=entry_mode,
            ksn=ksn,
            cipher=encrypt_track(key, track),
            emv=EMV if entry_mode is EntryMode.IC else b"",
        )

    def reversal(self, sale: Financial) -> Reversal:
        """Its reversal, not yet sent."""
        return Reversal(
            terminal_id=self.terminal_id,
            merchant_id=sale.merchant_id,
            stan=self.stan(),
            local=datetime.now().astimezone().strftime("%Y%m%d%H%M%S"),
            business_day=sale.business_day,
            amount_minor=sale.total_minor,
            original=Original(stan=sale.stan, local=sale.local),
            reason=ReversalReason.NO_ANSWER,
        )

    def sealed(self, message: MacedMessage) -> bytes:
        """The complete message under the next MAC key."""
        ksn, counter = self._mac_keys.next_ksn()
        unsealed = ADAPTER.encode(message)
        key = self._mac_keys.derivation.working_key(counter, Usage.MAC_GENERATION)
        return ADAPTER.seal(unsealed, ksn, cmac8(key, unsealed.head + ksn + unsealed.tail))

    def ask(self, message: MacedMessage, wait_s: float = 5.0) -> Answer:
        """Send, and read the answer."""
        return self.send(self.sealed(message), wait_s)

    def send(self, raw: bytes, wait_s: float = 5.0) -> Answer:
        exchanged = self._send(raw, wait_s)
        opened = ADAPTER.open(exchanged.message)
        counter = int.from_bytes(opened.ksn[8:])
        key = self._mac_keys.derivation.working_key(counter, Usage.MAC_VERIFICATION)
        return Answer(opened, verify8(key, opened.covered, opened.mac), exchanged)

    def stan(self) -> str:
        return f"{next(self._stans):06d}"

    def _relay(self, kind: type[TerminalKeyExchange] | type[ReaderKeyExchange]) -> Callable[[bytes], Opened]:
        def relay(blob: bytes) -> Opened:
            local = datetime.now().astimezone().strftime("%Y%m%d%H%M%S")
            message = kind(terminal_id=self.terminal_id, stan=self.stan(), local=local, blob=blob)
            return ADAPTER.open(self._send(ADAPTER.encode_network(message), 5.0).message)

        return relay

"""A terminal for tests: its own keys, its own numbers, and the host link as its only way to the host."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from tests.harness import Store
from tpayd.crypto.data import encrypt_data
from tpayd.crypto.dukpt import Derivation, Usage, make_ksn, next_counter
from tpayd.crypto.exchange import Role, begin, finish
from tpayd.crypto.mac import cmac8, verify8
from tpayd.crypto.pin import encrypt_pin_block
from tpayd.crypto.track import encrypt_track
from tpayd.hosts import (
    Financial,
    HostTotals,
    Inquiry,
    Kind,
    MacedMessage,
    NetworkMessage,
    Opened,
    Original,
    ReaderKeyExchange,
    Reconciliation,
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
MERCHANT_ID = "TPAYSANDBOX0001"
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
    """Makes requests as the transaction service would."""

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
        return self.request(Kind.SALE, total_minor, **self.card(track, entry_mode=entry_mode))

    def request(self, kind: Kind, total_minor: int | None, **more: Any) -> Financial:
        """Any request, not yet sent."""
        now = datetime.now().astimezone()
        return Financial(
            kind=kind,
            terminal_id=self.terminal_id,
            merchant_id=MERCHANT_ID,
            stan=self.stan(),
            local=now.strftime("%Y%m%d%H%M%S"),
            business_day=now.strftime("%Y%m%d"),
            amount=None if total_minor is None else Amount(total_minor=total_minor),
            **more,
        )

    def card(
        self, track: str = TRACK, *, pin: str | None = None, entry_mode: EntryMode = EntryMode.IC
    ) -> dict[str, Any]:
        """What a reader gives of a card."""
        ksn, counter = self._reader_keys.next_ksn()
        working_key = self._reader_keys.derivation.working_key
        told: dict[str, Any] = {
            "entry_mode": entry_mode,
            "ksn": ksn,
            "cipher": encrypt_track(working_key(counter, Usage.DATA_ENCRYPTION), track),
            "emv": EMV if entry_mode is EntryMode.IC else b"",
        }
        if pin is not None:
            pin_key = working_key(counter, Usage.PIN_ENCRYPTION)
            told |= {"pin_ksn": ksn, "pin_block": encrypt_pin_block(pin_key, pin, track.partition("D")[0])}
        return told

    def keyed(self, number: str, entry_mode: EntryMode = EntryMode.KEYED) -> dict[str, Any]:
        """What the key manager makes of a keyed number or a scanned code."""
        ksn, counter = self._mac_keys.next_ksn()
        key = self._mac_keys.derivation.working_key(counter, Usage.DATA_ENCRYPTION)
        return {
            "entry_mode": entry_mode, "ksn": ksn, "cipher": encrypt_data(key, number.encode()), "terminal_cipher": True,
        }  # fmt: skip

    def void(self, kind: Kind, taken_back: Financial, total_minor: int | None = None, **more: Any) -> Financial:
        """What takes an earlier request back, by its STAN; not yet sent."""
        original = Original(stan=taken_back.stan, local=taken_back.local)
        return self.request(kind, total_minor or taken_back.total_minor, **{"original": original} | more)

    def inquiry(self, about: Financial) -> Inquiry:
        """The question what became of a request, not yet sent."""
        return Inquiry(
            terminal_id=self.terminal_id, merchant_id=about.merchant_id, stan=self.stan(), local=local_now(),
            business_day=about.business_day, original=Original(stan=about.stan, local=about.local),
        )  # fmt: skip

    def reconciliation(self, totals: HostTotals) -> Reconciliation:
        """The day's totals, not yet sent."""
        local = local_now()
        return Reconciliation(
            terminal_id=self.terminal_id, merchant_id=MERCHANT_ID, stan=self.stan(), local=local,
            business_day=local[:8], totals=totals,
        )  # fmt: skip

    def reversal(self, sale: Financial) -> Reversal:
        """Its reversal, not yet sent."""
        return Reversal(
            kind=sale.kind,
            terminal_id=self.terminal_id,
            merchant_id=sale.merchant_id,
            stan=self.stan(),
            local=local_now(),
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

    def tell(self, message: NetworkMessage, wait_s: float = 5.0) -> Opened:
        """Send a network message, and read its answer."""
        return ADAPTER.open(self._send(ADAPTER.encode_network(message), wait_s).message)

    def stan(self) -> str:
        return f"{next(self._stans):06d}"

    def _relay(self, kind: type[TerminalKeyExchange] | type[ReaderKeyExchange]) -> Callable[[bytes], Opened]:
        def relay(blob: bytes) -> Opened:
            return self.tell(kind(terminal_id=self.terminal_id, stan=self.stan(), local=local_now(), blob=blob))

        return relay


def local_now() -> str:
    """YYYYMMDDhhmmss."""
    return datetime.now().astimezone().strftime("%Y%m%d%H%M%S")

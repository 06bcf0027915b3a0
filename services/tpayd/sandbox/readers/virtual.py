"""A virtual reader and the customer before it: bytes in, bytes out, no I/O but its vault's.

The customer does what the reader asks: presents the card he was given (or the one that comes by itself) when a card is
waited for, pulls it out when the chip has failed, and takes it back when it is done with.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from tpayd.crypto.errors import CryptoError, ExchangeError
from tpayd.kit.clock import Clock
from tpayd.sandbox.readers.cards import CardKind, TestCard
from tpayd.sandbox.readers.emv import chip_data, cryptogram
from tpayd.sandbox.readers.line import ACK, NAK, RequestReader, answer
from tpayd.sandbox.readers.vault import Vault

__all__ = ["Phase", "VirtualReader", "reader_id"]

_VERSION = "01.00"
_EMPTY, _INSERTED, _TAPPED, _SWIPED, _PULL = (answer(0x19, code) for code in (b"00", b"01", b"02", b"03", b"04"))
_NO_KEY = "90"
_NO_APPLICATION = "02"
_CHIP_SILENT = "01"
_INSERTABLE = frozenset({CardKind.IC, CardKind.IC_BROKEN, CardKind.IC_DECLINES, CardKind.IC_REFUSED})

_REQUEST_CARD = 87
_REQUEST_FINISH = 314


class Phase(enum.StrEnum):
    """What the reader is doing."""

    IDLE = "idle"
    CARD_WAIT = "card_wait"
    PULL_WAIT = "pull_wait"
    """The chip has failed; the card has to come out."""
    SWIPE_WAIT = "swipe_wait"
    HOST_WAIT = "host_wait"
    """A chip card was read and waits for the host's word."""


class VirtualReader:
    """See the module. `later(delay_ms, deed)` has `deed` called after that time, and what it returns sent."""

    def __init__(
        self,
        serial_number: str,
        vault: Vault,
        clock: Clock,
        later: Callable[[int, Callable[[], bytes]], None],
    ) -> None:
        self.serial_number = serial_number
        self.phase = Phase.IDLE
        self.auto_card: TestCard | None = None
        self.auto_delay_ms = 0
        self._vault = vault
        self._clock = clock
        self._later = later
        self._requests = RequestReader()
        self._given: TestCard | None = None
        self._card: TestCard | None = None
        self._inside = False
        self._round = 0
        self._transactions = 0
        self._amount_minor = 0
        self._at = ""
        self._nonce = b""
        self._last = NAK

    @property
    def key_loaded(self) -> bool:
        return self._vault.key_loaded

    def give(self, card: TestCard) -> bytes:
        """Give the customer a card, for the card wait under way or the next one."""
        self._given = card
        return self._present(self._round) if self.phase is Phase.CARD_WAIT else b""

    def power_off(self) -> None:
        """What a pulled plug does: all but the vault is forgotten, and the card falls out."""
        self._requests = RequestReader()
        self._rest()
        self._inside = False
        self._last = NAK

    def received(self, data: bytes) -> bytes:
        """Bytes came from the broker."""
        out = b""
        for request in self._requests.feed(data):
            if request is None:
                out += NAK
            elif request[0] == 0x15:
                out += self._last
            else:
                self._last = self._serve(*request)
                out += self._last
        return out

    def _serve(self, command: int, data: bytes) -> bytes:
        match command:
            case 0x10 if len(data) == _REQUEST_CARD:
                return self._begin_card(data)
            case 0x20 if len(data) == _REQUEST_FINISH and self.phase is Phase.HOST_WAIT:
                return self._finish_card(approved=data[-2:] == b"00")
            case 0x24:
                return self._state() + self._let_go()
            case 0x26:
                return self._state()
            case 0x30:
                request = self._vault.prepare(self._clock.unix_ms())
                return answer(0x41, reader_id(self.serial_number).encode() + request + b"00")
            case 0x40:
                return self._inject(data[14:])
            case 0x50:
                return answer(0x51, b"00")
            case 0x58:
                flag = "01" if self.key_loaded else "00"
                return answer(0x59, f"{reader_id(self.serial_number)}{self.serial_number}{_VERSION}{flag}".encode())
            case 0xA0:
                self._rest()
                return ACK + self._let_go()
            case _:
                return NAK

    # A card transaction

    def _begin_card(self, data: bytes) -> bytes:
        text = data.decode("ascii", "replace")
        self._rest()
        self._amount_minor, self._at, self._nonce = int(text[2:12]), text[12:26], data[-32:]
        if not self.key_loaded:
            return self._refuse(_NO_KEY)
        self.phase = Phase.CARD_WAIT
        if self._given is not None:
            return self._present(self._round)
        if self.auto_card is not None:
            return self._after(self.auto_delay_ms, self._present)
        return b""

    def _present(self, round_: int) -> bytes:
        card = self._given or self.auto_card
        if round_ != self._round or self.phase is not Phase.CARD_WAIT or card is None:
            return b""
        self._given = None
        self._card = card
        self._transactions += 1
        match card.kind:
            case CardKind.CONTACTLESS:
                return _TAPPED + self._give_out(b"C")
            case CardKind.STRIPE:
                return _SWIPED + self._give_out(b"S")
            case CardKind.IC_BROKEN:
                self._inside = True
                self.phase = Phase.PULL_WAIT
                return _INSERTED + _PULL + self._after(self.auto_delay_ms, self._pull)
            case CardKind.IC_REFUSED:
                self._inside = True
                return _INSERTED + self._refuse(_NO_APPLICATION)
            case _:
                self._inside = True
                return _INSERTED + self._give_out(b"I")

    def _pull(self, round_: int) -> bytes:
        if round_ != self._round or self.phase is not Phase.PULL_WAIT:
            return b""
        self._inside = False
        self.phase = Phase.SWIPE_WAIT
        return _EMPTY + self._after(self.auto_delay_ms, self._swipe)

    def _swipe(self, round_: int) -> bytes:
        if round_ != self._round or self.phase is not Phase.SWIPE_WAIT:
            return b""
        return _SWIPED + self._give_out(b"F", _CHIP_SILENT)

    def _give_out(self, entry: bytes, fallback: str = "00") -> bytes:
        card = self._card
        assert card is not None  # noqa: S101
        try:
            ksn, cipher = self._vault.encrypt(card.track)
        except CryptoError:
            return self._refuse(_NO_KEY)
        chip = entry in b"IC"
        emv = chip_data(card.pan, self._amount_minor, self._at, self._transactions) if chip else b""
        self.phase = Phase.HOST_WAIT if entry == b"I" else Phase.IDLE
        self._last = answer(
            0x11,
            b"00%b%b%b%b" % (self._nonce, b"1" if self._inside else b"0", entry, fallback.encode())
            + f"{card.masked:<20}{card.label:<16}".encode()
            + ksn
            + cipher
            + b"%03d" % len(emv)
            + emv,
        )
        return self._last

    def _refuse(self, code: str) -> bytes:
        self.phase = Phase.IDLE
        self._last = answer(0x11, code.encode() + self._nonce + (b"1" if self._inside else b"0"))
        return self._last

    def _finish_card(self, *, approved: bool) -> bytes:
        card = self._card
        declines = approved and card is not None and card.kind is CardKind.IC_DECLINES
        self.phase = Phase.IDLE
        result, text = ("1", "DECLINED BY CARD") if declines else ("0", "APPROVED" if approved else "DECLINED")
        word = answer(0x21, f"{result}{text:<20}{cryptogram()}".encode() + self._nonce)
        return word + self._let_go()

    # The slot

    def _state(self) -> bytes:
        return _INSERTED if self._inside else _EMPTY

    def _let_go(self) -> bytes:
        """The customer is told to take his card."""
        card = self._card
        if not self._inside or card is None:
            return b""
        return self._after(card.stays_ms, self._take_back)

    def _take_back(self, _: int) -> bytes:
        if not self._inside or self.phase is not Phase.IDLE:
            return b""
        self._inside = False
        self._card = None
        return _EMPTY

    # The rest

    def _inject(self, blob: bytes) -> bytes:
        try:
            told = self._vault.inject(blob)
        except ExchangeError:
            told = None
        return NAK if told is None else answer(0x06, told.encode())

    def _rest(self) -> None:
        self.phase = Phase.IDLE
        self._round += 1

    def _after(self, delay_ms: int, deed: Callable[[int], bytes]) -> bytes:
        """Do it after a while, at once for none; a deed for an earlier transaction finds its round over."""
        round_ = self._round
        if delay_ms == 0:
            return deed(round_)
        self._later(delay_ms, lambda: deed(round_))
        return b""


def reader_id(serial_number: str) -> str:
    """The identity that a virtual reader's key is bound to, 32 characters."""
    return f"TPAYD-SANDBOX-1-READER{serial_number}"

"""A virtual reader's pad and scanner: messages A1 to A7, AC and 66 from the reader's side."""

from __future__ import annotations

import enum
from collections.abc import Callable

from tpayd.crypto.errors import CryptoError
from tpayd.sandbox.card_list import CardKind
from tpayd.sandbox.readers.cardslot import NO_KEY, REFUSED, CardSlot
from tpayd.sandbox.readers.customer import Customer
from tpayd.sandbox.readers.line import NAK, answer
from tpayd.sandbox.readers.rounds import Later, Rounds
from tpayd.sandbox.readers.vault import Vault
from tpayd_contracts.sandbox import Keying, Signing

__all__ = ["Pad", "PadPhase"]

_NO_CARD = "95"
_NONCE_CHARS = 32
_TEXT_BYTES = 64
_SIZES = {
    0xA1: _NONCE_CHARS + _TEXT_BYTES,
    0xA2: _NONCE_CHARS,
    0xA5: _TEXT_BYTES,
    0xA7: _NONCE_CHARS + 10 + _TEXT_BYTES,
    0xA3: _NONCE_CHARS + 4 + _TEXT_BYTES,
    0xA4: _NONCE_CHARS + 4 + _TEXT_BYTES,
    0xAC: 0,
    0x66: _NONCE_CHARS,
}

_ZIGZAG = [(10 + 3 * step, 44 - 24 * (step % 2)) for step in range(36)]
_UNDERLINE = [(10, 55), (118, 52)]
_PEN_UP = b"\xff\xff"


class PadPhase(enum.StrEnum):
    """What the pad is waiting for."""

    IDLE = "idle"
    SIGN_WAIT = "sign_wait"
    NUMBER_WAIT = "number_wait"
    PIN_WAIT = "pin_entry"
    CODE_WAIT = "code_wait"


# Every reading passes it.
_IDLE = PadPhase.IDLE


class Pad:
    """See the module. `said(frame)` keeps an answer for the case that it has to be repeated."""

    def __init__(
        self, vault: Vault, customer: Customer, slot: CardSlot, later: Later, said: Callable[[bytes], bytes]
    ) -> None:
        self.phase = PadPhase.IDLE
        self._vault = vault
        self._customer = customer
        self._slot = slot
        self._rounds = Rounds(later)
        self._said = said
        self._nonce = b""

    def serve(self, command: int, data: bytes) -> bytes:
        """What the reader says to a command; NAK to one that is none of the pad's, or whose data does not fit."""
        if len(data) != _SIZES.get(command, -1):
            return NAK
        match command:
            case 0xA1 | 0xA7:
                self._begin(PadPhase.SIGN_WAIT, data)
                return self._said(answer(command + 0x10, b"00" + self._nonce))
            case 0xA2 if self.phase is PadPhase.SIGN_WAIT and data == self._nonce:
                return self._after(self._signed)
            case 0xA3:
                self._begin(PadPhase.NUMBER_WAIT, data)
                return self._after(self._number_keyed)
            case 0xA4:
                self._begin(PadPhase.PIN_WAIT, data)
                return self._after(self._pin_keyed)
            case 0xA5:
                return answer(0xB5, b"00")
            case 0x66:
                self._begin(PadPhase.CODE_WAIT, data)
                return self.show_code() if self._customer.hurries else self._after(self.show_code)
            case 0xAC:
                self.rest()
                return answer(0xBC)
            case _:
                return NAK

    def rest(self) -> None:
        """End whatever is under way."""
        self.phase = _IDLE
        self._rounds.end()

    def show_code(self) -> bytes:
        """The customer shows his code, if one is waited for, or puts in a card instead."""
        if self.phase is not PadPhase.CODE_WAIT:
            return b""
        wallet = self._customer.wallet()
        if wallet is None:
            return b""
        if wallet.kind is not CardKind.WALLET:
            return self._slot.put_in(wallet)
        return self._done(0x67, f"{len(wallet.code):03d}{wallet.code}".encode())

    def _begin(self, phase: PadPhase, data: bytes) -> None:
        self.rest()
        self.phase = phase
        self._nonce = data[:_NONCE_CHARS]

    def _signed(self) -> bytes:
        match self._customer.signing:
            case Signing.SIGNS:
                pen = b"".join(bytes(point) for point in _ZIGZAG) + _PEN_UP + b"".join(map(bytes, _UNDERLINE))
                return self._done(0xB2, f"{len(pen) // 2:04d}".encode() + pen)
            case Signing.REFUSES:
                return self._refuse(0xB2, REFUSED)
            case Signing.PULLS_CARD:
                return self._slot.pull_out()
            case Signing.WALKS_AWAY:
                return b""

    def _number_keyed(self) -> bytes:
        number = self._customer.number
        match self._customer.keying:
            case Keying.REFUSES:
                return self._refuse(0xB3, REFUSED)
            case Keying.WALKS_AWAY:
                return b""
            case _:
                return self._done(0xB3, f"{len(number):02d}{number}".encode())

    def _pin_keyed(self) -> bytes:
        card = self._slot.card
        if card is None or not card.pin:
            return self._refuse(0xB4, _NO_CARD)
        if self._customer.keying is Keying.REFUSES:
            return self._refuse(0xB4, REFUSED)
        pin = self._customer.pin_of(card)
        if pin is None:
            return b""
        if not self._vault.key_loaded:
            return self._refuse(0xB4, NO_KEY)
        try:
            return self._done(0xB4, b"".join(self._vault.encrypt_pin(pin, card.pan)))
        except CryptoError:
            return self._refuse(0xB4, NO_KEY)

    def _done(self, command: int, data: bytes) -> bytes:
        self.rest()
        return self._said(answer(command, b"00" + self._nonce + data))

    def _refuse(self, command: int, code: str) -> bytes:
        self.rest()
        return self._said(answer(command, code.encode() + self._nonce))

    def _after(self, deed: Callable[[], bytes]) -> bytes:
        return self._rounds.after(self._customer.delay_ms, deed)

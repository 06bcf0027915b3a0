"""A virtual reader: bytes in, bytes out, no I/O but its vault's. The customer before it does what the reader asks."""

from __future__ import annotations

from collections.abc import Collection

from tpayd.crypto.errors import ExchangeError
from tpayd.kit.clock import Clock
from tpayd.sandbox.card_list import TestCard
from tpayd.sandbox.readers.boot_loader import BootLoader
from tpayd.sandbox.readers.cardslot import CardPhase, CardSlot
from tpayd.sandbox.readers.customer import Customer
from tpayd.sandbox.readers.flash import Flash
from tpayd.sandbox.readers.line import ACK, NAK, RequestReader, answer
from tpayd.sandbox.readers.pad import Pad, PadPhase
from tpayd.sandbox.readers.rounds import Later
from tpayd.sandbox.readers.vault import Vault
from tpayd_contracts.device import Ability

__all__ = ["FIRMWARE", "MODEL", "VirtualReader", "reader_id"]

MODEL = "TPAYD-SANDBOX-1"
FIRMWARE = "01.00"
"""What it has from the factory."""
_TOLD = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS, Ability.QR, Ability.SIGN, Ability.PIN)
"""In the order of message 59."""
_CARDS = frozenset({Ability.IC, Ability.STRIPE, Ability.CONTACTLESS})
_NEEDED = {
    0x10: _CARDS,
    0x20: _CARDS,
    0xA1: frozenset({Ability.SIGN}),
    0xA7: frozenset({Ability.SIGN}),
    0xA3: frozenset({Ability.PIN}),
    0xA4: frozenset({Ability.PIN}),
    0xA5: frozenset({Ability.SIGN, Ability.PIN}),
    0x66: frozenset({Ability.QR}),
}
"""What a reader must have, one of them at least, to take a command; it answers NAK otherwise."""
_SOUND, _FAULTY = b"00", b"10"
_UPDATES = (0x52, 0x54, 0x56)
_OF_BOOT_LOADER = (*_UPDATES, 0x58, 0xA0)
"""All that is answered where there is no firmware."""
"""What a self-test comes to."""
_REQUEST_CARD = 87
_REQUEST_FINISH = 314


class VirtualReader:
    """See the module. `later(delay_ms, deed)` has `deed` called after that time, and what it returns sent."""

    def __init__(
        self,
        serial_number: str,
        vault: Vault,
        clock: Clock,
        later: Later,
        *,
        model: str = MODEL,
        abilities: Collection[Ability] = tuple(Ability),
        mode: str = "",
        flash: Flash | None = None,
        restart_s: float = 0.0,
        flash_ms: int = 0,
    ) -> None:
        self.serial_number = serial_number
        self._id = reader_id(serial_number, model)
        self.boot_loader = BootLoader(
            self._id, serial_number, model, mode, flash or Flash(None, FIRMWARE), self._restarted,
            restart_s=restart_s, flash_ms=flash_ms, later=later,
        )  # fmt: skip
        self._abilities = frozenset(abilities)
        self._beyond = frozenset(command for command, needed in _NEEDED.items() if needed.isdisjoint(abilities))
        """Commands that it lacks what it takes for."""
        self.customer = Customer()
        self.faulty = False
        """Its self-test fails."""
        self._vault = vault
        self._clock = clock
        self._requests = RequestReader()
        self._last = NAK
        self._slot = CardSlot(vault, self.customer, later, self._said)
        self._pad = Pad(vault, self.customer, self._slot, later, self._said)

    @property
    def opening(self) -> bytes:
        """The beginning of the longest frame that it can promise."""
        return b"\x02\x10\x00"

    @property
    def key_loaded(self) -> bool:
        return self._vault.key_loaded

    @property
    def phase(self) -> CardPhase | PadPhase:
        """What it is doing."""
        return self._slot.phase if self._pad.phase is PadPhase.IDLE else self._pad.phase

    def give(self, card: TestCard) -> bytes:
        """Give the customer a card or a wallet, for the wait under way or the next one."""
        self.customer.give(card)
        return self._slot.present() + self._pad.show_code()

    def pull_card(self) -> bytes:
        """The customer takes his card out of the slot, whatever the reader is doing."""
        return self._slot.pull_out()

    def power_off(self) -> None:
        """What a pulled plug does: all but the vault is forgotten, and the card falls out."""
        self._requests = RequestReader()
        self._rest()
        self.boot_loader.rest()
        self._slot.inside = False
        self._slot.card = None
        self._last = NAK

    def received(self, data: bytes) -> bytes:
        """Bytes came from the broker."""
        out = b""
        for request in self._requests.feed(data):
            in_service = self.boot_loader.has_given_way
            if not in_service and self.boot_loader.silent:
                return out
            if request is None:
                out += NAK
                continue
            command, data = request
            if command != 0x15:
                if command in self._beyond or not (in_service or command in _OF_BOOT_LOADER):
                    self._last = NAK
                elif command in _UPDATES:
                    self._last = self.boot_loader.serve(command, data)
                else:
                    self._last = self._serve(command, data)
            out += self._last
        return out

    def _serve(self, command: int, data: bytes) -> bytes:
        match command:
            case 0x10 if len(data) == _REQUEST_CARD:
                self._pad.rest()
                return self._slot.begin(data)
            case 0x20 if len(data) == _REQUEST_FINISH and self._slot.phase is CardPhase.HOST_WAIT:
                return self._slot.finish(approved=data[-2:] == b"00")
            case 0x24:
                return self._slot.state() + self._slot.let_go()
            case 0x26:
                return self._slot.state()
            case 0x30:
                request = self._vault.prepare(self._clock.unix_ms())
                return answer(0x41, self._id.encode() + request + b"00")
            case 0x40:
                return self._inject(data[14:])
            case 0x50:
                return answer(0x51, _FAULTY if self.faulty else _SOUND)
            case 0x58:
                return self._information()
            case 0xA0:
                self.boot_loader.rest()
                self._rest()
                return ACK + self._slot.let_go()
            case _:
                return self._pad.serve(command, data)

    def _information(self) -> bytes:
        flag = "01" if self.key_loaded else "00"
        able = "".join("1" if ability in self._abilities else "0" for ability in _TOLD)
        holds = f"{self._vault.check_value:10}"
        boot = self.boot_loader
        # Only readers with several communication modes tell theirs.
        mode = f"{boot.mode:8}" if boot.mode else ""
        return answer(0x59, f"{self._id}{self.serial_number}{boot.version:5}{flag}{able}{holds}{mode}".encode())

    def _inject(self, blob: bytes) -> bytes:
        try:
            told = self._vault.inject(blob)
        except ExchangeError:
            told = None
        return NAK if told is None else answer(0x06, told.encode())

    def _restarted(self, keeps_key: bool) -> None:
        """It starts with new firmware."""
        if not keeps_key:
            self._vault.wipe()
        self.power_off()

    def _said(self, frame: bytes) -> bytes:
        """Keep an answer: at a NAK it is repeated, and nothing is done twice."""
        self._last = frame
        return frame

    def _rest(self) -> None:
        self._slot.rest()
        self._pad.rest()


def reader_id(serial_number: str, model: str = MODEL) -> str:
    """The identity that a virtual reader's key is bound to, 32 characters."""
    return f"{model:-<16}READER{serial_number}"

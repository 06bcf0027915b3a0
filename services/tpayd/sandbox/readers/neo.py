"""A virtual ID TECH NEO reader: bytes in, bytes out, no I/O but its vault's. It has a card slot and nothing beside."""

from __future__ import annotations

from tpayd.crypto.errors import ExchangeError
from tpayd.kit.clock import Clock
from tpayd.sandbox.card_list import TestCard
from tpayd.sandbox.readers.boot_loader import BootLoader
from tpayd.sandbox.readers.cardslot import CardPhase
from tpayd.sandbox.readers.customer import Customer
from tpayd.sandbox.readers.neo_line import NeoRequest, NeoRequestReader, neo_answer
from tpayd.sandbox.readers.neo_slot import NeoSlot
from tpayd.sandbox.readers.rounds import Later
from tpayd.sandbox.readers.vault import Vault

__all__ = ["VirtualNeo", "neo_reader_id"]

_OK, _UNKNOWN, _BAD_CHECK, _FAILED, _TAMPERED = 0x00, 0x02, 0x04, 0x0A, 0x1D
_FIRMWARE = "v1.00.000"
_KEY_UNUSED, _KEY_VALID = b"\0\0", b"\1\x0c"
"""State of a key, and the length of its serial number."""
_SERIAL_BYTES = 15


class VirtualNeo:
    """See the module. `later(delay_ms, deed)` has `deed` called after that time, and what it returns sent."""

    def __init__(self, serial_number: str, model: str, vault: Vault, clock: Clock, later: Later) -> None:
        self.serial_number = serial_number
        self.customer = Customer()
        self.faulty = False
        """Its self-test has failed, and every answer says so."""
        self.boot_loader: BootLoader | None = None
        """Its firmware cannot be updated over this line."""
        self._model = model
        self._vault = vault
        self._clock = clock
        self._requests = NeoRequestReader()
        self._slot = NeoSlot(vault, self.customer, clock, later)

    @property
    def opening(self) -> bytes:
        """The beginning of the longest frame that it can promise."""
        return b"ViVOtech2\x00\x02\x00\x10\x00"

    @property
    def key_loaded(self) -> bool:
        return self._vault.key_loaded

    @property
    def phase(self) -> CardPhase:
        """What it is doing."""
        return self._slot.phase

    def give(self, card: TestCard) -> bytes:
        """Give the customer a card, for the wait under way or the next one."""
        self.customer.give(card)
        return self._slot.present()

    def pull_card(self) -> bytes:
        """The customer takes his card out of the slot, whatever the reader is doing."""
        return self._slot.pull_out()

    def power_off(self) -> None:
        """What a pulled plug does: all but the vault is forgotten, and the card falls out."""
        self._requests = NeoRequestReader()
        self._slot.rest()
        self._slot.inside = self._slot.notifies = False
        self._slot.card = None

    def received(self, data: bytes) -> bytes:
        """Bytes came from the broker."""
        return b"".join(self._answer(request) for request in self._requests.feed(data))

    def _answer(self, request: NeoRequest) -> bytes:
        if not request.whole:
            return neo_answer(request.command, _BAD_CHECK)
        return neo_answer(request.command, _TAMPERED) if self.faulty else self._serve(request)

    def _serve(self, request: NeoRequest) -> bytes:
        slot, command = self._slot, request.command
        match command << 8 | request.sub:
            case 0x0107:
                slot.notifies = request.data == b"\1"
                return neo_answer(command, _OK)
            case 0x0240:
                return slot.begin(request.data)
            case 0x0501:
                slot.rest()
                return neo_answer(command, _OK) + slot.let_go()
            case 0x2C18:
                return neo_answer(command, _OK) + slot.let_go()
            case 0x6012:
                return slot.finish(request.data)
            case 0xE101:
                return neo_answer(command, _OK, self._vault.prepare(self._clock.unix_ms()))
            case 0xE201:
                return self._inject(request)
            case code:
                told = self._told(code)
                return neo_answer(command, _UNKNOWN) if told is None else neo_answer(command, _OK, told)

    def _told(self, code: int) -> bytes | None:
        """What it says of itself; None to a command that it does not know."""
        match code:
            case 0x0101 | 0x1801:
                return b""
            case 0x1201:
                return self.serial_number.encode().ljust(_SERIAL_BYTES, b"\0")
            case 0x2900:
                return f"{self._model} {_FIRMWARE}".encode()
            case 0x810B:
                return _KEY_VALID + bytes(12) if self.key_loaded else _KEY_UNUSED
            case 0xE301 if self.key_loaded:
                return self._vault.check_value.encode()
            case 0xE001:
                return b"\2" if self._slot.inside else b"\0"
            case _:
                return None

    def _inject(self, request: NeoRequest) -> bytes:
        try:
            told = self._vault.inject(request.data[14:])
        except ExchangeError:
            told = None
        return neo_answer(request.command, _FAILED) if told is None else neo_answer(request.command, _OK, told.encode())


def neo_reader_id(serial_number: str) -> str:
    """The identity that a NEO reader's key is bound to, 32 characters."""
    return f"{'IDTECH-NEO':-<16}{serial_number:-<16}"

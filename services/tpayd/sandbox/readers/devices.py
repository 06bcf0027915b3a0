"""Which virtual reader speaks which protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tpayd.kit.clock import Clock
from tpayd.sandbox.card_list import TestCard
from tpayd.sandbox.readers.boot_loader import BootLoader
from tpayd.sandbox.readers.customer import Customer
from tpayd.sandbox.readers.flash import Flash
from tpayd.sandbox.readers.neo import VirtualNeo, neo_reader_id
from tpayd.sandbox.readers.rounds import Later
from tpayd.sandbox.readers.settings import ReaderProtocol, VirtualReaderSettings
from tpayd.sandbox.readers.vault import Vault
from tpayd.sandbox.readers.virtual import VirtualReader, reader_id

__all__ = ["RESTART_S", "VirtualDevice", "virtual_device"]

RESTART_S = 0.3
"""How long a reader with new firmware says nothing."""


class _Phase(Protocol):
    @property
    def value(self) -> str: ...


class VirtualDevice(Protocol):
    """A reader without hardware: bytes in, bytes out."""

    customer: Customer
    faulty: bool
    """Its self-test fails."""

    @property
    def boot_loader(self) -> BootLoader | None:
        """What takes its firmware; None where that is not done over its line."""
        ...

    @property
    def opening(self) -> bytes:
        """The beginning of the longest frame that it can promise."""
        ...

    @property
    def key_loaded(self) -> bool: ...

    @property
    def phase(self) -> _Phase:
        """What it is doing."""
        ...

    def give(self, card: TestCard) -> bytes:
        """Give the customer a card or a wallet, for the wait under way or the next one."""
        ...

    def pull_card(self) -> bytes:
        """The customer takes his card out of the slot, whatever the reader is doing."""
        ...

    def power_off(self) -> None:
        """What a pulled plug does: all but the vault is forgotten, and the card falls out."""
        ...

    def received(self, data: bytes) -> bytes:
        """Bytes came from the broker."""
        ...


def virtual_device(
    settings: VirtualReaderSettings, serial_number: str, vault: Path, secret: bytes, clock: Clock, later: Later
) -> VirtualDevice:
    """A reader that keeps its key in the file `vault`, sealed under `secret`. Raises OSError."""
    match settings.protocol:
        case ReaderProtocol.STX:
            memory = Vault(vault, reader_id(serial_number, settings.model), secret)
            return VirtualReader(
                serial_number, memory, clock, later, model=settings.model, abilities=settings.abilities,
                mode=settings.mode, flash=Flash(vault.with_suffix(".flash"), settings.firmware), restart_s=RESTART_S,
                flash_ms=settings.flash_ms,
            )  # fmt: skip
        case ReaderProtocol.NEO:
            memory = Vault(vault, neo_reader_id(serial_number), secret)
            return VirtualNeo(serial_number, settings.model, memory, clock, later)

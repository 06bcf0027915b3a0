"""config/sandbox_readers.toml."""

from __future__ import annotations

import enum
from collections import Counter
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.device import Ability
from tpayd_contracts.shapes import END, Name

__all__ = ["ReaderProtocol", "SandboxReadersSettings", "VirtualReaderSettings"]


class ReaderProtocol(enum.StrEnum):
    """What a virtual reader speaks: the name of the driver that understands it."""

    STX = "stx"
    NEO = "neo"


class VirtualReaderSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One virtual reader."""

    name: Name
    protocol: ReaderProtocol = ReaderProtocol.STX
    auto_card: str = ""
    """Cards and wallets, separated by commas: at each wait the first that fits is presented. Empty: none."""
    auto_delay_ms: Annotated[int, Meta(ge=0, le=60_000)] = 300
    """How long the customer takes for each thing that the reader asks of him."""
    model: Annotated[str, Meta(pattern=rf"^[A-Z0-9-]{{1,16}}{END}")] = "TPAYD-SANDBOX-1"
    """What it says it is."""
    serial_number: Annotated[str, Meta(pattern=rf"^[A-Z0-9]{{10}}{END}")] | None = None
    """Ten characters; left out: SBX and its place in this list."""
    abilities: tuple[Ability, ...] = tuple(Ability)
    """What it has, and says it has; one that speaks neo has ic, stripe and contactless, whatever stands here."""
    mode: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9-]{{0,8}}{END}")] = ""
    """The communication mode that it says it is in, as SCSpro's do; empty: it knows of none."""
    firmware: Annotated[str, Meta(pattern=rf"^[0-9]{{2}}\.[0-9]{{2}}{END}")] = "01.00"
    """What it has from the factory."""
    flash_ms: Annotated[int, Meta(ge=0, le=5_000)] = 20
    """How long it takes to write a piece of 1,024 bytes of new firmware."""
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] | None = None
    """The one speed at which it can be understood; left out: any."""


class SandboxReadersSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The process sandbox_readers."""

    readers: Annotated[tuple[VirtualReaderSettings, ...], Meta(max_length=256)] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, times in Counter(reader.name for reader in self.readers).items():
            if times > 1:
                raise ValueError(f"readers: name {name!r} is given to {times} readers; each needs its own")

"""config/sandbox_readers.toml."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.shapes import Name

__all__ = ["SandboxReadersSettings", "VirtualReaderSettings"]


class VirtualReaderSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One virtual reader."""

    name: Name
    auto_card: str = ""
    """Cards and wallets, separated by commas: at each wait the first that fits is presented. Empty: none."""
    auto_delay_ms: Annotated[int, Meta(ge=0, le=60_000)] = 300
    """How long the customer takes for each thing that the reader asks of him."""


class SandboxReadersSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The process sandbox_readers."""

    readers: Annotated[tuple[VirtualReaderSettings, ...], Meta(max_length=256)] = ()

    def __post_init__(self) -> None:
        for name, times in Counter(reader.name for reader in self.readers).items():
            if times > 1:
                raise ValueError(f"readers: name {name!r} is given to {times} readers; each needs its own")

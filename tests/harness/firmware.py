"""Firmware for virtual readers, as their vendor makes and signs it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import msgspec

from tpayd.crypto.firmware import Image, public_of, ticket
from tpayd.sandbox.readers.flash import ImageHead, sandbox_image
from tpayd.sandbox.secrets import FIRMWARE_VENDOR_SEED

MODEL = "SCSPRO-100"


@dataclass(frozen=True)
class Firmware:
    """One image; `reports` is the version that a reader says it has with it."""

    version: str = "01.02"
    model: str = MODEL
    mode: str = "RS232"
    reports: str = ""
    keeps_key: bool = True
    size_bytes: int = 20_000

    @property
    def content(self) -> bytes:
        head = ImageHead(self.reports or self.version, self.mode, self.keeps_key)
        return sandbox_image(head, self.size_bytes)

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()

    @property
    def ticket(self) -> bytes:
        image = Image(self.model, self.mode, self.version, self.size_bytes, self.sha256)
        return ticket(FIRMWARE_VENDOR_SEED, image)

    @property
    def name(self) -> str:
        """Without its ending: what the vendor calls both files."""
        return f"{self.model}-{self.mode}-{self.version}"

    def description(self, **changed: object) -> bytes:
        """The signed JSON document beside the image (docs/firmware.md)."""
        told: dict[str, object] = {
            "format": 1, "vendor": "scspro", "model": self.model, "mode": self.mode, "version": self.version,
            "image": f"{self.name}.bin", "size_bytes": self.size_bytes, "sha256": self.sha256.hex(),
            "min_daemon": "0.1.0", "ticket": self.ticket.hex(), "vendor_key": VENDOR_KEY.hex(),
            "notes": {"en": "Leave the reader plugged in.", "ko": "리더기를 분리하지 마십시오."},
        }  # fmt: skip
        return msgspec.json.encode(told | changed)


VENDOR_KEY = public_of(FIRMWARE_VENDOR_SEED)

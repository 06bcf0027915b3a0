"""A virtual reader's way to new firmware: commands 52 to 57, and its life as a mere boot loader after a power cut."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from tpayd.crypto import firmware as crypto
from tpayd.crypto.errors import ExchangeError
from tpayd.sandbox.readers.flash import Flash
from tpayd.sandbox.readers.line import NAK, answer
from tpayd.sandbox.readers.rounds import Later
from tpayd.sandbox.secrets import FIRMWARE_VENDOR_SEED

__all__ = ["BOOT", "CHUNK_BYTES", "BootLoader"]

BOOT = "BOOT"

CHUNK_BYTES = 1024
_TYPE = b"0001"
_OK, _INSTALLED, _ELSEWHERE, _DAMAGED, _OTHER_IMAGE, _UNKNOWN = b"00", b"01", b"02", b"03", b"04", b"05"
_WRONG_MODEL, _NOT_SIGNED = b"01", b"02"


class BootLoader:
    """See the module. `restarted(keeps_key)` is called when new firmware is in force."""

    def __init__(
        self,
        reader_id: str,
        serial_number: str,
        model: str,
        mode: str,
        flash: Flash,
        restarted: Callable[[bool], None],
        *,
        restart_s: float = 0.0,
        flash_ms: int = 0,
        later: Later | None = None,
    ) -> None:
        self.mode = mode
        self.flash = flash
        self.power_fails_at: int | None = None
        """The power goes when so many bytes of an image would be there; the chunk that would bring them is lost."""
        self.on_power_cut: Callable[[], None] = lambda: None
        self._id = reader_id
        self._serial = serial_number
        self._model = model
        self._restarted = restarted
        self._restart_s = restart_s
        self._flash_ms = flash_ms
        self._later = later
        self._talks = 0
        """What is said after a while belongs to one of them."""
        self._quiet_until_s = 0.0
        self._vendor = crypto.public_of(FIRMWARE_VENDOR_SEED)
        self._key = os.urandom(crypto.SEED_BYTES)
        self._certificate = crypto.certify(FIRMWARE_VENDOR_SEED, reader_id, serial_number, crypto.our_key(self._key))
        self._random = b""
        self._session = b""
        self._image: crypto.Image | None = None

    @property
    def has_given_way(self) -> bool:
        """The firmware is up, and speaks with this line: what is asked is its own matter."""
        return self.flash.runs and (not self._quiet_until_s or not self.silent)

    @property
    def alone(self) -> bool:
        """There is no firmware: nothing else answers."""
        return self.flash.in_boot_loader

    @property
    def silent(self) -> bool:
        """It is starting again, or its firmware cannot speak with this line."""
        return self.flash.bricked or (self._quiet_until_s > 0 and time.monotonic() < self._quiet_until_s)

    @property
    def version(self) -> str:
        """What it runs; BOOT: nothing but this."""
        return BOOT if self.alone else self.flash.version

    def rest(self) -> None:
        """An init, or a power cut: whoever was authenticated has to do it again."""
        self._talks += 1
        self._random = self._session = b""
        self._image = None

    def serve(self, command: int, data: bytes) -> bytes:
        """The answer to 52, 54 or 56; NAK to anything else."""
        match command:
            case 0x52 if data == _TYPE:
                return self._prove()
            case 0x54:
                return self._consider(data)
            case 0x56:
                return self._take(data)
            case _:
                return NAK

    def _prove(self) -> bytes:
        self.rest()
        self._random = os.urandom(32)
        proof = crypto.proof_of(self._key, self._certificate, self._random)
        head = f"{self._id:32}{self._serial:10}".encode() + _TYPE
        return answer(0x53, head + proof + b" " * 10 + b"01")

    def _consider(self, data: bytes) -> bytes:
        if not self._random:
            return self._verdict(_UNKNOWN)
        try:
            offer = crypto.parse_offer(self._vendor, data)
            session = crypto.our_session(self._key, self._random, self._id, self._serial, offer)
        except ExchangeError:
            return self._verdict(_NOT_SIGNED)
        # As with real ones, nothing here asks which communication mode the image is for.
        if offer.image.model != self._model:
            return self._verdict(_WRONG_MODEL)
        self._image, self._session = offer.image, session
        return self._verdict(_OK, self.flash.held_of(offer.image.sha256))

    def _verdict(self, result: bytes, held: int = 0) -> bytes:
        message, chunk = _message(held), b"%010d" % CHUNK_BYTES
        proof = crypto.file_key(self._session, result, message, chunk) if self._session else " " * 32
        return answer(0x55, result + message + proof.encode() + chunk)

    def _take(self, data: bytes) -> bytes:
        image = self._image
        if image is None:
            return self._told(_UNKNOWN)
        told, sealed = data[: -crypto.SEAL_BYTES], data[-crypto.SEAL_BYTES :]
        if len(told) < 24 or not crypto.is_sealed(self._session, told, sealed):
            return self._told(_DAMAGED)
        held = self.flash.held_of(image.sha256)
        piece = told[24:]
        if int(told[4:14]) != image.size_bytes or int(told[14:24]) != held or held + len(piece) > image.size_bytes:
            return self._told(_ELSEWHERE)
        if self.power_fails_at is not None and held + len(piece) >= self.power_fails_at:
            self.power_fails_at = None
            self.on_power_cut()
            return b""
        self.flash.write(image.sha256, image.size_bytes, piece)
        return self._written(self._told(_OK) if not self.flash.whole else self._installed(image))

    def _written(self, said: bytes) -> bytes:
        """Flash memory is slow: say it after a while, if the power stays."""
        if not self._flash_ms or self._later is None:
            return said
        talk = self._talks
        self._later(self._flash_ms, lambda: said if talk == self._talks else b"")
        return b""

    def _installed(self, image: crypto.Image) -> bytes:
        head = self.flash.install(self.mode)
        if head is None:
            self.rest()
            return self._told(_OTHER_IMAGE)
        said = answer(0x57, _INSTALLED + _message(image.size_bytes))
        self.rest()
        self._quiet_until_s = time.monotonic() + self._restart_s
        self._restarted(head.keeps_key)
        return said

    def _told(self, result: bytes) -> bytes:
        held = 0 if self._image is None else self.flash.held_of(self._image.sha256)
        return answer(0x57, result + _message(held))


def _message(held: int) -> bytes:
    return b"%010d" % held + b" " * 10

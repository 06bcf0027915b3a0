"""What a virtual reader has in its flash memory: its firmware, or a part of the next one. It outlives a power cut.

An image of a virtual reader's firmware is a line that says what it is, and whatever follows:

    TPAYD-SANDBOX-FIRMWARE {"version": "01.02", "mode": "any", "keeps_key": true}
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["MAGIC", "Flash", "ImageHead", "sandbox_image"]

MAGIC = b"TPAYD-SANDBOX-FIRMWARE "
ANY_MODE = "any"


class ImageHead(Struct, frozen=True):
    """What an image's first line says."""

    version: str
    mode: str = ANY_MODE
    """Of another communication mode than the reader's it ends the reader: it never speaks again."""
    keeps_key: bool = True


def sandbox_image(head: ImageHead, size_bytes: int = 20_000) -> bytes:
    """An image for virtual readers. Raises ValueError for a size without room for its head."""
    start = MAGIC + msgspec.json.encode(head) + b"\n"
    if size_bytes < len(start):
        raise ValueError(f"size_bytes: an image has {len(start)} bytes at least")
    # Not all alike, so that a chunk in the wrong place is found.
    filler = b"".join(hashlib.sha256(b"%d" % block).digest() for block in range(size_bytes // 32 + 1))
    return (start + filler)[:size_bytes]


class _State(Struct):
    version: str
    bricked: bool = False
    expected: bytes = b""
    """SHA-256 of the image that is being taken; empty: none, and the firmware is whole."""
    size_bytes: int = 0


class Flash:
    """See the module. Without a path all is forgotten with the process. Raises OSError where the disk takes nothing."""

    def __init__(self, path: Path | None, version: str) -> None:
        self._path = path
        self._state = _State(version)
        self._held = bytearray()
        if path is not None:
            self._load(path)

    @property
    def version(self) -> str:
        return self._state.version

    @property
    def runs(self) -> bool:
        """There is firmware, and what it says can be heard."""
        return not (self._state.bricked or self._state.expected)

    @property
    def bricked(self) -> bool:
        """It has the firmware of another communication mode: nothing that it says can be heard."""
        return self._state.bricked

    @property
    def in_boot_loader(self) -> bool:
        """The firmware has been erased, and the next one is not whole."""
        return bool(self._state.expected)

    def held_of(self, sha256: bytes) -> int:
        """How many bytes of that image are there."""
        return len(self._held) if sha256 == self._state.expected else 0

    def write(self, sha256: bytes, size_bytes: int, piece: bytes) -> None:
        """Take the next bytes of an image. The first ones erase the firmware that was there."""
        if sha256 != self._state.expected:
            self._state.expected, self._state.size_bytes = sha256, size_bytes
            self._held = bytearray()
            self._store()
            if self._path is not None:
                self._part(self._path).write_bytes(b"")
        self._held += piece
        if self._path is not None:
            with self._part(self._path).open("ab") as file:
                file.write(piece)

    @property
    def whole(self) -> bool:
        """All of the image is there."""
        return self.in_boot_loader and len(self._held) >= self._state.size_bytes

    def install(self, mode: str) -> ImageHead | None:
        """Start with the image that is there; None, and all of it forgotten, if it is not the announced one."""
        image, state = bytes(self._held), self._state
        if hashlib.sha256(image).digest() != state.expected:
            self._forget()
            return None
        try:
            line, _, _ = image.removeprefix(MAGIC).partition(b"\n")
            head = msgspec.json.decode(line, type=ImageHead)
        except msgspec.DecodeError:
            self._forget()
            return None
        self._state = _State(head.version, bricked=head.mode not in (ANY_MODE, mode))
        self._forget()
        return head

    def _forget(self) -> None:
        """A reader whose image turned out to be wrong has nothing but its boot loader."""
        self._held = bytearray()
        self._store()
        if self._path is not None:
            self._part(self._path).write_bytes(b"")

    def _load(self, path: Path) -> None:
        try:
            self._state = msgspec.msgpack.decode(path.read_bytes(), type=_State)
            self._held = bytearray(self._part(path).read_bytes())
        except FileNotFoundError:
            return
        except msgspec.DecodeError:
            return  # torn by a crash of this process: as it came from the factory

    def _store(self) -> None:
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            fresh.write_bytes(msgspec.msgpack.encode(self._state))
            fresh.replace(self._path)

    @staticmethod
    def _part(path: Path) -> Path:
        return path.with_suffix(".part")

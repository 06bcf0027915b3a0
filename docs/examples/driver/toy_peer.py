"""The toy reader itself, for the conformance suite: what it says to what it hears, and a customer with a card."""

from __future__ import annotations

import os

from toy_driver import ToyForm, frame

from tpayd.device_broker.drivers.frames import Frame, FrameReader

__all__ = ["peer"]


class ToyPeer:
    ways = frozenset({"contactless"})
    opening = b"\x3aC\xff"

    def __init__(self) -> None:
        self._frames = FrameReader(ToyForm())
        self._number = b""
        """Of the card read under way; empty: none is."""
        self._cards = 0

    def received(self, data: bytes) -> bytes:
        heard = self._frames.feed(data, 0)
        return b"".join(self._answer(item) for item in heard if isinstance(item, Frame))

    def present(self, way: str, *, stays: bool = False) -> bytes:
        number, self._number = self._number, b""
        if not number:
            return b""
        self._cards += 1
        ksn = b"TOYREADR" + self._cards.to_bytes(4, "big")
        masked = f"{'476173******0119':<19}".encode()
        return frame(b"C", b"seen") + frame(b"C", number + masked + ksn + os.urandom(48))

    def take_out(self) -> bytes:
        return b""

    def _answer(self, heard: Frame) -> bytes:
        match bytes([heard.command]):
            case b"R":
                self._number = b""
                return frame(b"R")
            case b"I":
                return frame(b"I", b"00000001" + b"1.00" + b"1")
            case b"S":
                return frame(b"S", b"0")
            case b"C":
                self._number = heard.data[:8]
        return b""


def peer() -> ToyPeer:
    return ToyPeer()

"""Frames out of a stream of bytes, whatever their form.

A frame is found by its first bytes and its length; its form says whether it is one. After bytes that are no frame the
search goes on at the next beginning behind the false one: a frame inside garbage is found, however it begins. A frame
that does not end in time is garbage too, so a drip of bytes holds nothing up, and no more is kept than one frame has.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from tpayd.device_broker.drivers.discreet import Discreet

__all__ = ["FRAME_WAIT_US", "Damage", "Form", "Frame", "FrameReader"]

FRAME_WAIT_US = 1_500_000
"""From a frame's first byte to its last. 4 KiB take 1.07 s at 38,400 baud."""


class Frame(Discreet, frozen=True):
    """A whole frame. Its data may be a card's."""

    command: int
    data: bytes
    status: int = 0
    """For protocols that have one beside the command."""


class Damage(Struct, frozen=True, gc=False):
    """Bytes that were no frame."""

    skipped: int


class Form(Protocol):
    """What frames of one protocol look like."""

    @property
    def start(self) -> bytes:
        """How every frame begins."""
        ...

    @property
    def head_bytes(self) -> int:
        """How many bytes tell the length."""
        ...

    def size(self, buffer: bytes, at: int) -> int:
        """Bytes of the whole frame whose head stands there; 0 for a length that no frame has. Never without bound."""
        ...

    def opened(self, buffer: bytes, at: int, end: int) -> Frame | None:
        """The frame in these bytes; None where they are none."""
        ...


class FrameReader:
    """Bytes in, as they come off the line; frames and damage out."""

    __slots__ = ("_buffer", "_form", "deadline_us")

    def __init__(self, form: Form) -> None:
        self._form = form
        self._buffer = b""
        self.deadline_us: int | None = None
        """When the frame begun must be whole; None while no byte of one has come."""

    @property
    def empty(self) -> bool:
        """Whether no byte of a frame is waiting for the rest."""
        return not self._buffer

    def feed(self, data: bytes, now_us: int) -> list[Frame | Damage]:
        """What the bytes complete."""
        if not data:
            return []
        if self.deadline_us is None:
            self.deadline_us = now_us + FRAME_WAIT_US
        self._buffer += data
        return self._scan(now_us)

    def expire(self, now_us: int) -> list[Frame | Damage]:
        """Give up the frame begun if its time is over; a whole one behind it is still found."""
        if self.deadline_us is None or now_us < self.deadline_us:
            return []
        return self._scan(now_us, waiting=False)

    def _scan(self, now_us: int, *, waiting: bool = True) -> list[Frame | Damage]:
        form, buffer, size = self._form, self._buffer, len(self._buffer)
        start, head_bytes = form.start, form.head_bytes
        found: list[Frame | Damage] = []
        at = good = 0  # `good`: the end of the last frame found; what lies between it and `at` is damage
        while (place := buffer.find(start, at)) >= 0:
            at = place
            length = form.size(buffer, at) if size - at >= head_bytes else size - at + 1
            if length:
                end = at + length
                if end > size:
                    if waiting:
                        break
                elif (frame := form.opened(buffer, at, end)) is not None:
                    if at > good:
                        found.append(Damage(at - good))
                    found.append(frame)
                    at = good = end
                    continue
            at += 1
        else:
            # Most often the frames end where the bytes end.
            at = max(at, size - _begun(buffer, start)) if waiting and at < size else size
        if at > good:
            found.append(Damage(at - good))
        if at:
            self._buffer = rest = buffer[at:]
            self.deadline_us = now_us + FRAME_WAIT_US if rest else None
        return found


def _begun(buffer: bytes, start: bytes) -> int:
    """How many bytes at the end may be the first ones of a frame's beginning."""
    return next((count for count in range(len(start) - 1, 0, -1) if buffer.endswith(start[:count])), 0)

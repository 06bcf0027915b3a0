"""Inputs: what a reader would say, bent in every way that a line, a firmware or a stranger could bend it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tpayd.device_broker.drivers.frames import Form, Frame, FrameReader
from tpayd.device_broker.drivers.neo_frame import NEO_FORM
from tpayd.device_broker.drivers.stx_frame import STX_FORM
from tpayd.sandbox.readers.line import answer
from tpayd.sandbox.readers.neo_line import neo_answer, neo_told

__all__ = ["DIALECTS", "Dialect", "Inputs"]

_TOLD = frozenset({0xF1, 0xF2})
_LONG_EVERY = 2000
_LONG_BYTES = 1 << 16


def _stx(frame: Frame) -> bytes:
    return answer(frame.command, frame.data)


def _neo(frame: Frame) -> bytes:
    make = neo_told if frame.command in _TOLD else neo_answer
    return make(frame.command, frame.status, frame.data)


@dataclass(frozen=True)
class Dialect:
    form: Form
    whole: Callable[[Frame], bytes]
    """A frame as it goes over the line, its check right, whatever its data."""
    longest: int
    """Bytes of the longest frame."""


DIALECTS = {"stx": Dialect(STX_FORM, _stx, 4100), "neo": Dialect(NEO_FORM, _neo, 4112)}


class Inputs:
    """Endless inputs for one protocol; number and seed make one again."""

    def __init__(self, dialect: Dialect, genuine: list[bytes], seed: int) -> None:
        self._dialect = dialect
        self._seed = seed
        said = FrameReader(dialect.form).feed(b"".join(genuine), 0)
        self._frames = list(dict.fromkeys(item for item in said if isinstance(item, Frame)))

    def chance(self, number: int) -> random.Random:
        """What decides about input `number`."""
        return random.Random(self._seed << 32 | number)

    def make(self, number: int, chance: random.Random, genuine: bytes) -> bytes:
        """Input `number` for a scene whose reader would say `genuine` now."""
        if number % _LONG_EVERY == 0:
            return chance.choice((b"", self._dialect.form.start)) + chance.randbytes(_LONG_BYTES)
        manner = chance.random()
        if manner < 0.5:
            return b"".join(self._dialect.whole(self._bent(frame, chance)) for frame in self._some(chance, genuine))
        if manner < 0.8:
            return self._scratched(b"".join(map(self._dialect.whole, self._some(chance, genuine))), chance)
        if manner < 0.9:
            return b"".join(map(self._dialect.whole, self._some(chance, genuine)))
        return self._noise(chance)

    def _some(self, chance: random.Random, genuine: bytes) -> list[Frame]:
        if genuine and chance.random() < 0.6:
            said = FrameReader(self._dialect.form).feed(genuine, 0)
            frames = [item for item in said if isinstance(item, Frame)]
            if chance.random() < 0.3:
                chance.shuffle(frames)
            return frames
        return [chance.choice(self._frames) for _ in range(chance.randrange(1, 4))]

    def _bent(self, frame: Frame, chance: random.Random) -> Frame:
        """Another command, status or data."""
        command, status, data = frame.command, frame.status, frame.data
        if chance.random() < 0.1:
            command = chance.randrange(256)
        if chance.random() < 0.15:
            status = chance.choice((0, 4, 8, 10, 14, 29, 35, 99, chance.randrange(256)))
        if chance.random() < 0.7:
            data = self._scratched(data, chance)
        if chance.random() < 0.02:
            data = (data or b"0") * chance.randrange(1, 9)
        return Frame(command, data[:4094], status)

    def _scratched(self, data: bytes, chance: random.Random) -> bytes:
        out = bytearray(data)
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(out) + 1)
            match chance.randrange(6):
                case 0 if place < len(out):
                    out[place] ^= 1 << chance.randrange(8)
                case 1 if place < len(out):
                    out[place] = chance.choice((0, 1, 0x7F, 0x80, 0x81, 0x82, 0xFF, 0x30, chance.randrange(256)))
                case 2:
                    out[place:place] = chance.randbytes(chance.randrange(1, 5))
                case 3:
                    del out[place : place + chance.randrange(1, 9)]
                case 4:
                    del out[place:]
                case _:
                    out[place:place] = out[: chance.randrange(1, 33)]
        return bytes(out)

    def _noise(self, chance: random.Random) -> bytes:
        """Beginnings of frames, lengths that lie, and bytes."""
        start = self._dialect.form.start
        return b"".join(
            chance.choice((start, start[:-1], b"\x10\x00", b"\x00\x02", b"\xff\xff", chance.randbytes(5)))
            for _ in range(chance.randrange(1, 20))
        )

"""Inputs on a frame reader and on a whole driver, one after the other, with what must hold after each."""

from __future__ import annotations

import random
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fuzz.inputs import DIALECTS, Inputs
from tests.fuzz.scenes import Scene, play, scenes_of
from tpayd.device_broker.drivers.conformance import Bench, BrokenPromiseError
from tpayd.device_broker.drivers.frames import FRAME_WAIT_US, Damage, Frame, FrameReader
from tpayd.device_broker.drivers.talk_driver import TalkDriver

__all__ = ["Findings", "FuzzError", "run"]

_HANG_S = 10
_PIECE_MAX = 1 << 13


class FuzzError(Exception):
    """An input that broke something: which one, and how to try it again."""


@dataclass(frozen=True)
class Findings:
    name: str
    inputs: int
    seconds: float
    peak_mib: float
    grown_mib: float
    """How much the peak has risen since the first tenth of the inputs."""

    def __str__(self) -> str:
        return (
            f"fuzz {self.name}: {self.inputs} inputs in {self.seconds:.0f} s, peak memory {self.peak_mib:.0f} MiB"
            f" ({self.grown_mib:+.1f} MiB since the first tenth), no crash, no hang"
        )


def run(name: str, *, inputs: int, seed: int = 0, first: int = 1) -> Findings:
    """Try so many inputs on the driver of that name. Raises FuzzError at the first that breaks something."""
    dialect, scenes = DIALECTS[name], scenes_of(name)
    source = Inputs(
        dialect, [said for scene in scenes for said in [*(s for _, s in scene.played), scene.genuine]], seed
    )
    began_s = time.monotonic()
    early_kib = 0
    with _no_hang():
        for number in range(first, first + inputs):
            chance = source.chance(number)
            scene = chance.choice(scenes)
            data = source.make(number, chance, scene.genuine)
            signal.setitimer(signal.ITIMER_VIRTUAL, _HANG_S)
            try:
                _on_frames(name, data, chance)
                _on_driver(scene, data, chance, dialect.longest)
            except Exception as error:
                text = f"{name}, scene '{scene.name}', seed {seed}, input {number} ({data[:80].hex()}): {error!r}"
                raise FuzzError(text) from error
            if number == first + inputs // 10:
                early_kib = _peak_kib()
    peak_kib = _peak_kib()
    return Findings(name, inputs, time.monotonic() - began_s, peak_kib / 1024, (peak_kib - early_kib) / 1024)


def _on_frames(name: str, data: bytes, chance: random.Random) -> None:
    """Every byte is part of one frame or of damage, and nothing is left when its time is over."""
    dialect = DIALECTS[name]
    reader, now_us = FrameReader(dialect.form), 0
    found: list[Frame | Damage] = []
    for piece in _pieces(data, chance):
        found += reader.feed(piece, now_us)
        assert len(reader._buffer) < dialect.longest + len(piece), "more is kept than one frame has"
        now_us += 1000
    found += reader.expire(now_us + FRAME_WAIT_US)
    assert reader.empty, "something is left behind its time"
    counted = sum(item.skipped if isinstance(item, Damage) else len(dialect.whole(item)) for item in found)
    assert counted == len(data), f"{counted} bytes were told of {len(data)}"


def _on_driver(scene: Scene, data: bytes, chance: random.Random, longest: int) -> None:
    """The bench watches; and whatever came, a recovery that is answered by silence ends."""
    bench = play(scene)
    for piece in _pieces(data, chance):
        bench.arrive_only(piece)
        if chance.random() < 0.2:
            bench.pass_time(chance.randrange(3_000_000))
    _kept_little(bench, longest)
    if chance.random() < 0.1:
        bench.deaf = True
        bench.pass_time(120_000_000)
    for event in bench.events:
        repr(event)


def _kept_little(bench: Bench, longest: int) -> None:
    assert isinstance(bench.driver, TalkDriver)
    if len(bench.driver._talk._frames._buffer) > longest + _PIECE_MAX:
        raise BrokenPromiseError("more is kept than one frame has")


def _pieces(data: bytes, chance: random.Random) -> Iterator[bytes]:
    if len(data) <= _PIECE_MAX and chance.random() < 0.6:
        yield data
        return
    at = 0
    while at < len(data):
        size = chance.choice((1, 7, 64, 500)) if len(data) <= _PIECE_MAX else 4096
        yield data[at : at + size]
        at += size


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@contextmanager
def _no_hang() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError(f"one input has taken more than {_HANG_S} s of computing")

    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)

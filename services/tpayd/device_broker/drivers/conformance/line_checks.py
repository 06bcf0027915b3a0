"""Checks of what a line does to bytes: cut, joined, damaged, lost, dripping, endless."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable
from functools import partial

from tpayd.device_broker.drivers.commands import Check as CheckCommand
from tpayd.device_broker.drivers.commands import Recover, Start
from tpayd.device_broker.drivers.conformance.bench import ANSWERS, WAIT_MAX_US, Bench, promised
from tpayd.device_broker.drivers.conformance.suite import AT, FINISH, Seat, check, read_command, told
from tpayd.device_broker.drivers.events import CardRead, Clean, Trouble
from tpayd_contracts.payment import EntryMode

__all__: list[str] = []

_SEEDS = 25
_ENDLESS_BYTES = 1 << 20
_PIECE = 1 << 12
_MEMORY_MAX = 1 << 18
"""What a driver may keep of an endless stream; the longest frames have a few KiB."""


def _bytewise(data: bytes) -> Iterable[bytes]:
    return (data[at : at + 1] for at in range(len(data)))


@check
def frames_may_be_cut_anywhere(seat: Seat) -> None:
    """Byte by byte, or in pieces of any size, a conversation comes to the same end."""
    for way in seat.ways:
        for seed in range(_SEEDS):
            chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
            bench = seat.fresh()
            bench.line = partial(_chopped, chance=chance) if seed else _bytewise
            bench.ask(Start(AT))
            promised(bench.driver.clean, "it starts")
            bench.ask(read_command(1))
            card = told(bench.present(way), CardRead)
            if card.entry_mode is EntryMode.IC:
                bench.ask(FINISH)
            promised(bench.driver.clean, "and is clean after the card")


def _chopped(data: bytes, chance: random.Random) -> list[bytes]:
    pieces, at = [], 0
    while at < len(data):
        size = chance.choice((1, 2, 3, 7, 16, 100))
        pieces.append(data[at : at + size])
        at += size
    return pieces


@check
def frames_may_be_joined(seat: Seat) -> None:
    """Noise glued to a frame costs no answer that it can be told from, and never makes another one."""
    for way in seat.ways:
        for noise in (b"\xff", b"\x00" * 7, bytes(range(200, 230)), seat.peer().opening[:1]):
            bench = seat.started()
            bench.ask(read_command(1))
            genuine = bench.peer.present(way)
            bench.said += genuine
            bench.arrive(noise + genuine)
            bench.pass_time()
            _only_genuine(bench)


@check
def damaged_answers_are_not_believed(seat: Seat) -> None:
    """Whatever single bit of a card's answer is wrong, no other card is made of it, and the reader comes back."""
    for way in seat.ways:
        size = _answer_size(seat, way)
        for place in range(0, size, max(1, size // 40)):
            bench = seat.started()
            bench.ask(read_command(1))
            genuine = bench.peer.present(way)
            bench.said += genuine
            damaged = bytearray(genuine)
            damaged[min(place, len(damaged) - 1)] ^= 1 << place % 8
            bench.arrive(bytes(damaged))
            bench.pass_time()
            _only_genuine(bench)
            promised(not bench.driver.busy, "it comes to an end")


def _answer_size(seat: Seat, way: str) -> int:
    bench = seat.started()
    bench.ask(read_command(1))
    return len(bench.peer.present(way))


def _only_genuine(bench: Bench) -> None:
    for event in bench.events:
        if isinstance(event, CardRead):
            promised(event.ksn in bench.said and event.cipher in bench.said, "a card that is told was said so")


@check
def lost_answers_end(seat: Seat) -> None:
    """Cut short anywhere, an answer is given up in time, and the reader comes back."""
    for way in seat.ways:
        size = _answer_size(seat, way)
        for place in range(0, size, max(1, size // 20)):
            bench = seat.started()
            bench.ask(read_command(1))
            bench.arrive(bench.peer.present(way)[:place])
            bench.pass_time(WAIT_MAX_US)
            bench.take_out()
            bench.pass_time(WAIT_MAX_US)
            promised(not bench.driver.busy, "it comes to an end")
            promised(Clean() in bench.ask(Recover()) + bench.pass_time(), "and a recovery ends clean")


@check
def garbage_makes_it_unclean(seat: Seat) -> None:
    """Bytes that are no frame are told as trouble, and until a recovery the reader is not clean."""
    for seed in range(_SEEDS):
        chance = random.Random(seed)  # noqa: S311
        bench = seat.started()
        events = bench.arrive(chance.randbytes(chance.randrange(1, 400))) + bench.pass_time(10_000_000)
        promised(any(isinstance(event, Trouble) for event in events), "garbage is told as Trouble")
        promised(not any(type(event) in ANSWERS for event in events), "and as nothing else")
        promised(not bench.driver.clean, "after garbage it is not clean")
        promised(Clean() in bench.ask(CheckCommand()) + bench.pass_time(), "a check recovers it")
        promised(bench.driver.clean, "and then it is clean")


@check
def a_half_frame_is_not_clean(seat: Seat) -> None:
    """With a frame begun and not ended it is not clean, and has a deadline."""
    bench = seat.started()
    bench.arrive(bench.peer.opening)
    promised(not bench.driver.clean, "it is not clean")
    promised(bench.driver.deadline_us is not None, "it has a deadline")


@check
def an_endless_frame_is_bounded(seat: Seat) -> None:
    """A frame that never ends, and a stream without frames, cost bounded memory and end in a verdict."""
    for beginning in (seat.peer().opening, b""):
        bench = seat.started()
        noise = random.Random(1).randbytes(_PIECE)  # noqa: S311
        bench.arrive(beginning)
        tracemalloc.start()
        try:
            for _ in range(_ENDLESS_BYTES // _PIECE):
                bench.driver.received(noise, bench.now_us)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        promised(kept < _MEMORY_MAX, f"of a stream of {_ENDLESS_BYTES} bytes it keeps {kept}")
        promised(not bench.driver.clean, "it is not clean")


@check
def a_slow_drip_holds_nothing_up(seat: Seat) -> None:
    """Answers that come a byte a second are given up in bounded time."""
    for way in seat.ways:
        bench = seat.started()
        bench.ask(read_command(1))
        answer = bench.peer.present(way)
        began_us = bench.now_us
        for byte in _bytewise(answer):
            bench.deaf = True
            bench.arrive(byte)
            bench.pass_time(1_000_000)
            bench.now_us += 1_000_000
            if not bench.driver.busy:
                break
        bench.pass_time(WAIT_MAX_US)
        promised(not bench.driver.busy, "it is given up")
        promised(bench.now_us - began_us <= WAIT_MAX_US, "within ten minutes")
        promised(not any(isinstance(event, CardRead) for event in bench.events), "and no card is read from it")


@check
def mischief_breaks_nothing(seat: Seat) -> None:
    """Commands, bytes and time at random break no promise, and a recovery always ends."""
    for seed in range(_SEEDS * 4):
        chance = random.Random(seed)  # noqa: S311
        bench = seat.started()
        for _ in range(12):
            _mischief(bench, chance, seat.ways)
        bench.line, bench.deaf = (lambda data: (data,)), False
        bench.take_out()
        events = bench.ask(Recover()) + bench.take_out() + bench.pass_time()
        bench.take_out()
        bench.pass_time()
        promised(Clean() in events + bench.events[-4:], f"a recovery ends clean (seed {seed}): {bench.events[-4:]}")


def _mischief(bench: Bench, chance: random.Random, ways: list[str]) -> None:
    deed = chance.randrange(8)
    if deed == 0 and not bench.driver.busy:
        bench.ask(read_command(chance.randrange(1, 99)))
    elif deed == 1:
        bench.present(chance.choice(ways), stays=chance.random() < 0.3)
    elif deed == 2:
        bench.arrive(chance.randbytes(chance.randrange(1, 60)))
    elif deed == 3:
        bench.arrive(bench.said[-chance.randrange(1, 300) :])
    elif deed == 4:
        bench.pass_time(chance.randrange(1, 40_000_000))
    elif deed == 5:
        bench.take_out()
    elif deed == 6:
        bench.ask(Recover())
    else:
        bench.deaf = chance.random() < 0.3

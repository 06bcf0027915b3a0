"""Checks of a driver that updates firmware (`drivers.firmware`). One that does not, and says so, passes them all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import cast

import msgspec

from tpayd.device_broker.drivers.commands import Start
from tpayd.device_broker.drivers.conformance.bench import WAIT_MAX_US, Bench, promised
from tpayd.device_broker.drivers.conformance.peer import UpdatablePeer
from tpayd.device_broker.drivers.conformance.suite import AT, Seat, check
from tpayd.device_broker.drivers.events import Clean, Identified
from tpayd.device_broker.drivers.firmware import (
    FirmwareEnd,
    FirmwareEnded,
    FirmwareImage,
    FirmwareJob,
    FirmwareTold,
    FirmwareTurn,
    IdentifyFirmware,
    ReaderSeen,
    TransferFirmware,
    Transferred,
    firmware_of,
)

__all__: list[str] = []

_SEED = bytes(range(32))
_ROUNDS_MAX = 10_000
_SILENT_MAX_US = 120_000_000
_CUTS = 12
"""At so many places a transfer is cut off."""

Alter = Callable[[int, bytes], bytes]
"""What becomes of the reader's answer of that number."""


class _Desk:
    """A reader and the talks with it, one after the other."""

    def __init__(self, seat: Seat) -> None:
        self.seat = seat
        self.peer = cast("UpdatablePeer", seat.peer())
        self.sent = b""
        self.now_us = 1_000_000
        promised(hasattr(self.peer, "image"), "a driver that updates firmware is checked by a peer that has an image")
        model, mode, version, self.content, ticket, vendor = self.peer.image()
        self.image = FirmwareImage(model, mode, version, hashlib.sha256(self.content).digest(), ticket, vendor)

    def transfer(self, image: FirmwareImage | None = None) -> TransferFirmware:
        return TransferFirmware(AT, image or self.image, self.content, _SEED)

    def talk(
        self,
        job: FirmwareJob,
        *,
        answers_max: int = _ROUNDS_MAX,
        piece_bytes: int = 1 << 20,
        alter: Alter | None = None,
    ) -> list[FirmwareTold]:
        """One talk, on a line just opened. After `answers_max` answers of the reader the cable is pulled."""
        maker = firmware_of(self.seat.kind)
        assert maker is not None  # noqa: S101  (the caller has looked)
        talk, told, answers = maker.create(job), list[FirmwareTold](), 0

        def take(turn: FirmwareTurn) -> bytes:
            told.extend(turn.told)
            self.sent += turn.out
            over = [event for event in told if isinstance(event, FirmwareEnded)]
            promised(
                len(over) <= 1 and (not over or told[-1] is over[0]), "it ends once, and tells nothing behind that"
            )
            promised((talk.deadline_us is None) == bool(over), "it has a deadline until it is over, and none after")
            return turn.out

        out = take(talk.begin(self.now_us))
        for _ in range(_ROUNDS_MAX):
            if talk.deadline_us is None:
                return told
            if not out:
                if answers >= answers_max:
                    return told
                promised(talk.deadline_us - self.now_us <= WAIT_MAX_US, "no wait is longer than ten minutes")
                self.now_us = talk.deadline_us
                out = take(talk.tick(self.now_us))
                continue
            said, out = self.peer.received(out) if answers < answers_max else b"", b""
            if said:
                said = said if alter is None else alter(answers, said)
                answers += 1
                for at in range(0, len(said), piece_bytes):
                    out += take(talk.received(said[at : at + piece_bytes], self.now_us))
        raise AssertionError("the talk has no end")

    def started(self) -> tuple[str, bool]:
        """Start the reader as the broker does: its version, and whether it is clean."""
        bench = Bench(self.seat.kind.create(), self.peer)
        events = bench.ask(Start(AT)) + bench.pass_time(60_000_000)
        [version] = [event.identity.firmware for event in events if isinstance(event, Identified)][:1] or [""]
        return version, Clean() in events


def _end(told: list[FirmwareTold]) -> FirmwareEnd | None:
    return told[-1].end if told and isinstance(told[-1], FirmwareEnded) else None


def _held(told: list[FirmwareTold]) -> list[int]:
    return [event.held_bytes for event in told if isinstance(event, Transferred)]


def _updates(seat: Seat) -> bool:
    return firmware_of(seat.kind) is not None


@check
def firmware_is_identified_without_harm(seat: Seat) -> None:
    """A reader that is asked about its firmware says who it is, and is as it was."""
    if not _updates(seat):
        return
    desk = _Desk(seat)
    before = desk.started()
    told = desk.talk(IdentifyFirmware(AT))
    promised(_end(told) is FirmwareEnd.IDENTIFIED, f"it ends with IDENTIFIED, not {told[-1:]}")
    [seen] = [event for event in told if isinstance(event, ReaderSeen)]
    promised(seen.identity.model == desk.image.model and seen.updatable, "it tells the model, and that it is updatable")
    promised(before == desk.started() and before[1], "the reader starts as before, with its firmware")


@check
def firmware_is_transferred(seat: Seat) -> None:
    """An image is taken chunk by chunk, however its answers are cut, and the reader starts with it."""
    if not _updates(seat):
        return
    for piece_bytes in (1 << 20, 1):
        desk = _Desk(seat)
        told = desk.talk(desk.transfer(), piece_bytes=piece_bytes)
        promised(_end(told) is FirmwareEnd.INSTALLED, f"it ends with INSTALLED, not {told[-1:]}")
        held = _held(told)
        promised(held == sorted(held) and held[-1] == len(desk.content), "the progress grows to the image's size")
        promised(desk.started() == (desk.image.version, True), "the reader reports the image's version, and is clean")


@check
def a_cut_transfer_goes_on(seat: Seat) -> None:
    """Wherever the cable is pulled, the next talk goes on from what the reader holds, and ends with the new version."""
    if not _updates(seat):
        return
    for answers_max in range(_CUTS):
        desk = _Desk(seat)
        held = _held(desk.talk(desk.transfer(), answers_max=answers_max))
        told = desk.talk(desk.transfer())
        promised(_end(told) is FirmwareEnd.INSTALLED, f"after {answers_max} answers it ends with {told[-1:]}")
        promised(not held or _held(told)[0] >= held[-1] or not _held(told)[0], "it begins where the reader is")
        promised(desk.started() == (desk.image.version, True), "the reader reports the image's version, and is clean")


@check
def a_half_taken_image_serves_nobody(seat: Seat) -> None:
    """A reader with half an image is never clean: nobody pays at it."""
    if not _updates(seat):
        return
    for answers_max in range(_CUTS):
        desk = _Desk(seat)
        held = _held(desk.talk(desk.transfer(), answers_max=answers_max))
        if held and 0 < held[-1] < len(desk.content):
            promised(not desk.started()[1], f"with {held[-1]} bytes of {len(desk.content)} it is not clean")


@check
def firmware_of_another_vendor_is_kept_back(seat: Seat) -> None:
    """A reader that cannot prove whose it is gets no byte of the image; nor does another model."""
    if not _updates(seat):
        return
    desk = _Desk(seat)
    stranger = msgspec.structs.replace(desk.image, vendor_key=bytes(32))
    other = msgspec.structs.replace(desk.image, model=f"{desk.image.model[:12]}-X")
    for image, wanted in ((stranger, FirmwareEnd.NOT_GENUINE), (other, FirmwareEnd.REFUSED)):
        told = desk.talk(desk.transfer(image))
        promised(_end(told) is wanted, f"it ends with {wanted}, not {told[-1:]}")
    promised(desk.content[:64] not in desk.sent, "nothing of the image was sent")
    promised(desk.started()[1], "the reader is as it was")


@check
def a_damaged_transfer_ends(seat: Seat) -> None:
    """With any one answer damaged, lost, or said twice it ends with the image installed, or in bounded time without."""
    if not _updates(seat):
        return
    damages: tuple[Callable[[bytes], bytes], ...] = (
        lambda said: said[:-2] + bytes([said[-2] ^ 4]) + said[-1:],
        lambda _: b"\xff",
        lambda said: said + said,
    )
    for damage in damages:
        for which in range(_CUTS):
            desk = _Desk(seat)
            began_us = desk.now_us
            told = desk.talk(desk.transfer(), alter=lambda at, said, d=damage, w=which: d(said) if at == w else said)  # type: ignore[misc]
            promised(_end(told) is not None, "it ends")
            promised(desk.now_us - began_us <= _SILENT_MAX_US, "within two minutes")
            if _end(told) is not FirmwareEnd.INSTALLED:
                promised(_end(desk.talk(desk.transfer())) is FirmwareEnd.INSTALLED, "and the next talk installs it")
            promised(desk.started() == (desk.image.version, True), "the reader reports the image's version")


@check
def silence_ends_a_transfer(seat: Seat) -> None:
    """A reader that says nothing is given up within two minutes, wherever it falls silent."""
    if not _updates(seat):
        return
    for last in range(_CUTS):
        desk = _Desk(seat)
        told = desk.talk(desk.transfer(), alter=lambda at, said, n=last: said if at < n else b"\xff")  # type: ignore[misc]
        if _end(told) is not FirmwareEnd.INSTALLED:
            promised(_end(told) is FirmwareEnd.LOST, f"it ends with LOST, not {told[-1:]}")
        promised(desk.now_us <= 1_000_000 + _SILENT_MAX_US, "within two minutes")

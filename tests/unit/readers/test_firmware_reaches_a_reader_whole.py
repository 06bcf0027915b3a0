"""Firmware reaches a reader whole, from its vendor, or not at all: driver and boot loader, without a line between."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from tpayd.crypto import firmware as crypto
from tpayd.crypto.errors import ExchangeFormatError, NotGenuineError
from tpayd.device_broker.drivers import driver_kind
from tpayd.device_broker.drivers.firmware import (
    FirmwareEnd,
    FirmwareEnded,
    FirmwareImage,
    FirmwareTold,
    ReaderSeen,
    TransferFirmware,
    Transferred,
    firmware_of,
)
from tpayd.kit.clock import SystemClock
from tpayd.sandbox.readers.flash import Flash, ImageHead, sandbox_image
from tpayd.sandbox.readers.vault import Vault
from tpayd.sandbox.readers.virtual import VirtualReader, reader_id
from tpayd.sandbox.secrets import FIRMWARE_VENDOR_SEED

AT = "20261122030405"
NUMBER = "SBX0000001"
MODEL = "SCSPRO-100"


def reader(tmp_path: Path, mode: str = "RS232") -> VirtualReader:
    """As it comes up with power: what it remembers lies in `tmp_path`."""
    vault = Vault(None, reader_id(NUMBER, MODEL), bytes(32))
    flash = Flash(tmp_path / "reader.flash", "01.00")
    return VirtualReader(NUMBER, vault, SystemClock(), lambda _, __: None, model=MODEL, mode=mode, flash=flash)


def image(content: bytes, *, mode: str = "RS232", version: str = "01.01", model: str = MODEL) -> FirmwareImage:
    sha256 = hashlib.sha256(content).digest()
    signed = crypto.ticket(FIRMWARE_VENDOR_SEED, crypto.Image(model, mode, version, len(content), sha256))
    return FirmwareImage(model, mode, version, sha256, signed, crypto.public_of(FIRMWARE_VENDOR_SEED))


def transfer(device: VirtualReader, offered: FirmwareImage, content: bytes) -> list[FirmwareTold]:
    maker = firmware_of(driver_kind("stx"))
    assert maker is not None
    talk = maker.create(TransferFirmware(AT, offered, content, bytes(range(32))))
    now_us, told = 0, list[FirmwareTold]()
    turn = talk.begin(now_us)
    while True:
        told += turn.told
        said = device.received(turn.out) if turn.out else b""
        if talk.deadline_us is None:
            return told
        if said:
            turn = talk.received(said, now_us)
        else:
            now_us = talk.deadline_us
            turn = talk.tick(now_us)


def end_of(told: list[FirmwareTold]) -> FirmwareEnd:
    [ended] = [each for each in told if isinstance(each, FirmwareEnded)]
    return ended.end


def version_of(device: VirtualReader) -> str:
    return device.received(bytes.fromhex("02 00 10 58 32 30 32 35 30 31 30 32 30 33 30 34 30 35 03 4F"))[46:51].decode()


CONTENT = sandbox_image(ImageHead("01.01", "RS232"), 5_000)


def test_it_starts_with_the_new_version(tmp_path: Path) -> None:
    device = reader(tmp_path)
    told = transfer(device, image(CONTENT), CONTENT)
    assert end_of(told) is FirmwareEnd.INSTALLED
    [seen] = [each for each in told if isinstance(each, ReaderSeen)]
    assert (MODEL, "01.00", "RS232") == (seen.identity.model, seen.identity.firmware, seen.identity.mode)
    assert "01.01" == version_of(device)
    assert "01.01" == version_of(reader(tmp_path)), "over a power cut too"


class _PowerCutError(Exception):
    """The power is gone in the middle of a chunk."""


def _cut() -> None:
    raise _PowerCutError


def cut_off(device: VirtualReader, at_bytes: int) -> None:
    """A transfer that ends with a power cut."""
    device.boot_loader.power_fails_at, device.boot_loader.on_power_cut = at_bytes, _cut
    with pytest.raises(_PowerCutError):
        transfer(device, image(CONTENT), CONTENT)


@pytest.mark.parametrize("at_bytes", [1, 1024, 1025, 3_000, 4_999, 5_000])
def test_a_power_cut_leaves_a_boot_loader_that_goes_on(tmp_path: Path, at_bytes: int) -> None:
    cut_off(reader(tmp_path), at_bytes)
    back = reader(tmp_path)
    whole = (at_bytes - 1) // 1024 * 1024
    assert ("01.00" if whole == 0 else "BOOT ") == version_of(back)
    told = transfer(back, image(CONTENT), CONTENT)
    assert whole == next(each.held_bytes for each in told if isinstance(each, Transferred))
    assert (FirmwareEnd.INSTALLED, "01.01") == (end_of(told), version_of(back))


def test_a_lost_chunk_is_sent_again(tmp_path: Path) -> None:
    device = reader(tmp_path)
    device.boot_loader.power_fails_at = 3_000
    told = transfer(device, image(CONTENT), CONTENT)
    assert (FirmwareEnd.INSTALLED, "01.01") == (end_of(told), version_of(device))


def test_another_image_begins_anew(tmp_path: Path) -> None:
    """What was cut off is no part of a later version."""
    cut_off(reader(tmp_path), 3_000)
    later = sandbox_image(ImageHead("01.02", "RS232"), 6_000)
    told = transfer(reader(tmp_path), image(later, version="01.02"), later)
    assert 0 == next(each.held_bytes for each in told if isinstance(each, Transferred))
    assert (FirmwareEnd.INSTALLED, "01.02") == (end_of(told), version_of(reader(tmp_path)))


def test_a_flipped_bit_is_found_by_the_reader(tmp_path: Path) -> None:
    """The image is not the one that was signed: the reader forgets it, and takes the right one afterwards."""
    device = reader(tmp_path)
    flipped = CONTENT[:3_000] + bytes([CONTENT[3_000] ^ 1]) + CONTENT[3_001:]
    assert end_of(transfer(device, image(CONTENT), flipped)) is FirmwareEnd.BROKEN
    assert "BOOT " == version_of(device)
    assert end_of(transfer(device, image(CONTENT), CONTENT)) is FirmwareEnd.INSTALLED


@pytest.mark.parametrize(
    ("changed", "end"),
    [
        ({"version": "09.99"}, FirmwareEnd.REFUSED),
        ({"mode": "USB"}, FirmwareEnd.REFUSED),
        ({"ticket": bytes(64)}, FirmwareEnd.REFUSED),
        ({"ticket": b"short"}, FirmwareEnd.NOT_GENUINE),
        ({"model": "DUALI-77"}, FirmwareEnd.REFUSED),
        ({"vendor_key": crypto.public_of(b"another vendor's key, of 32 byte")}, FirmwareEnd.NOT_GENUINE),
        ({"vendor_key": b""}, FirmwareEnd.NOT_GENUINE),
    ],
)
def test_what_the_vendor_has_not_signed_is_not_taken(
    tmp_path: Path, changed: dict[str, str | bytes], end: FirmwareEnd
) -> None:
    device = reader(tmp_path)
    assert end_of(transfer(device, msgspec.structs.replace(image(CONTENT), **changed), CONTENT)) is end
    assert "01.00" == version_of(device), "the reader has what it had"


def test_the_wrong_mode_ends_a_reader(tmp_path: Path) -> None:
    """Why it is asked, checked and confirmed before: a reader that does not tell its own takes it, and says no more."""
    other = sandbox_image(ImageHead("01.01", "USB"), 5_000)
    device = reader(tmp_path, mode="")
    assert end_of(transfer(device, image(other, mode="USB"), other)) is FirmwareEnd.INSTALLED
    assert b"" == device.received(bytes.fromhex("02 00 04 A0 39 39 03 A7"))
    assert b"" == reader(tmp_path, mode="").received(bytes.fromhex("02 00 04 A0 39 39 03 A7"))


def test_an_image_for_another_mode_than_it_tells_is_kept_back(tmp_path: Path) -> None:
    """Whoever was mistaken before."""
    other = sandbox_image(ImageHead("01.01", "USB"), 5_000)
    device = reader(tmp_path)
    assert end_of(transfer(device, image(other, mode="USB"), other)) is FirmwareEnd.REFUSED
    assert "01.00" == version_of(device)


def test_a_driver_without_updates_says_so() -> None:
    assert firmware_of(driver_kind("neo")) is None


def test_a_reader_in_its_boot_loader_is_told_apart(tmp_path: Path) -> None:
    """It is never clean, and says why: whoever looks at it learns that it has to be updated again."""
    from tpayd.device_broker.drivers.commands import Start
    from tpayd.device_broker.drivers.events import Clean, Down, Failure, Identified

    device = reader(tmp_path)
    device.boot_loader.flash.write(bytes(32), 5_000, b"half")
    driver = driver_kind("stx").create()
    turn = driver.ask(Start(AT), 0)
    events = list(turn.events)
    for _ in range(10):
        if turn.out:
            turn = driver.received(device.received(turn.out), 0)
            events += turn.events
    assert Clean() not in events
    assert Failure.BOOT_LOADER is next(event.why for event in events if isinstance(event, Down))
    assert next(event.identity for event in events if isinstance(event, Identified)).boot_loader


# The cryptography, as values

VENDOR, SEED = b"a vendor's key for tests, 32 byt", bytes(range(32))


def test_both_sides_have_the_same_session() -> None:
    told = crypto.Image("M", "any", "01.00", 10, bytes(32))
    own = crypto.our_key(SEED)
    certificate = crypto.certify(VENDOR, "ID", "SERIAL", own)
    proof = crypto.checked_proof(
        crypto.public_of(VENDOR), "ID", "SERIAL", crypto.proof_of(SEED, certificate, bytes(32))
    )  # fmt: skip
    ours = bytes(reversed(range(32)))
    offer = crypto.parse_offer(
        crypto.public_of(VENDOR), crypto.offer_of(AT, crypto.our_key(ours), told, crypto.ticket(VENDOR, told))
    )  # fmt: skip
    assert told == offer.image
    session = crypto.reader_key(ours, proof, told.sha256)
    assert session == crypto.our_session(SEED, bytes(32), "ID", "SERIAL", offer)
    assert session != crypto.our_session(SEED, bytes(31) + b"\1", "ID", "SERIAL", offer)


@pytest.mark.parametrize(("reader", "serial"), [("ID2", "SERIAL"), ("ID", "SERIA2")])
def test_a_certificate_is_one_readers(reader: str, serial: str) -> None:
    proof = crypto.proof_of(SEED, crypto.certify(VENDOR, "ID", "SERIAL", crypto.our_key(SEED)), bytes(32))
    with pytest.raises(NotGenuineError):
        crypto.checked_proof(crypto.public_of(VENDOR), reader, serial, proof)


@pytest.mark.parametrize(
    "wrong",
    [
        crypto.Image("M" * 17, "any", "01.00", 10, bytes(32)),
        crypto.Image("M", "any mode of all", "01.00", 10, bytes(32)),
        crypto.Image("M", "any", "01.000", 10, bytes(32)),
        crypto.Image("M", "any", "01.00", 0, bytes(32)),
        crypto.Image("M", "any", "01.00", 10, bytes(31)),
        crypto.Image("모델", "any", "01.00", 10, bytes(32)),
        crypto.Image("M ", "any", "01.00", 10, bytes(32)),
    ],
)
def test_what_does_not_fit_is_not_signed(wrong: crypto.Image) -> None:
    with pytest.raises(ExchangeFormatError):
        crypto.ticket(VENDOR, wrong)

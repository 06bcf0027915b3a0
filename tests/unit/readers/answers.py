"""What a reader would send, built by hand from docs/reader-protocol.md, apart from the code under test."""

from __future__ import annotations

from functools import reduce
from operator import xor

NONCE = "0123456789ABCDEF0123456789ABCDEF"
OTHER_NONCE = "F" * 32
READER_ID = "TPAYD-SANDBOX-1-READERSBX0000001"
KSN = bytes.fromhex("123456789012345600000001")
CIPHER = bytes(range(100, 148))
EMV = bytes.fromhex("9F2608A1B2C3D4E5F60718")

ACK = bytes.fromhex("020002060307")
NAK = bytes.fromhex("020002150314")
INIT = bytes.fromhex("020004A0393903A7")
SELF_TEST = bytes.fromhex("020002500351")
STATE = bytes.fromhex("020002260327")
EJECT = bytes.fromhex("020002240325")
PREPARE = bytes.fromhex("020002300331")
CANCEL = bytes.fromhex("020002AC03AD")
CANCELLED = bytes.fromhex("020002BC03BD")
PIN = KSN[:-1] + b"\x02" + bytes(range(200, 216))
"""KSN and block of a PIN."""


def framed(command: int, data: bytes = b"") -> bytes:
    counted = (len(data) + 2).to_bytes(2, "big") + bytes([command]) + data + b"\x03"
    return b"\x02" + counted + bytes([reduce(xor, counted)])


def state(code: str) -> bytes:
    return framed(0x19, code.encode())


EMPTY, INSERTED, TAPPED, SWIPED, PULL = (state(code) for code in ("00", "01", "02", "03", "04"))
PIN_ASKED, ENTERED, CHOICE_ASKED = (state(code) for code in ("05", "06", "07"))


def info(key_flag: str = "01") -> bytes:
    return framed(0x59, f"{READER_ID}SBX000000101.00{key_flag}".encode())


def card(
    entry: str = "I", *, nonce: str = NONCE, slot: str | None = None, fallback: str = "00", pin: bytes = b"",
    number: str = "411111******1111",
) -> bytes:  # fmt: skip
    inside = ("1" if entry == "I" else "0") if slot is None else slot
    emv = b"" if entry in "SF" else EMV
    head = f"00{nonce}{inside}{entry}{fallback}{number:<20}{'VISA CREDIT':<16}"
    return framed(0x11, head.encode() + KSN + CIPHER + f"{len(emv):03d}".encode() + emv + pin)


def refused(code: str, *, nonce: str = NONCE, slot: str = "0") -> bytes:
    return framed(0x11, f"{code}{nonce}{slot}".encode())


def entry(command: int, data: bytes = b"", *, result: str = "00", nonce: str = NONCE) -> bytes:
    """An answer of the pad."""
    return framed(command, f"{result}{nonce}".encode() + data)


def strokes(*points: tuple[int, int], nonce: str = NONCE) -> bytes:
    drawn = b"".join(bytes(point) for point in points)
    return entry(0xB2, f"{len(points):04d}".encode() + drawn, nonce=nonce)


def finished(result: str = "0", *, nonce: str = NONCE) -> bytes:
    return framed(0x21, f"{result}{'APPROVED':<20}{'A1B2C3D4E5F60718'}{nonce}".encode())

"""What a NEO reader would send, built by hand from docs/neo-protocol.md, apart from the code under test."""

from __future__ import annotations

KSN = bytes.fromhex("123456789012345600000001")
CIPHER = bytes(range(100, 148))
HEADER = b"ViVOtech2\x00"


def crc(data: bytes) -> int:
    """Bit by bit, as the standard describes it."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ (0x1021 if value & 0x8000 else 0)) & 0xFFFF
    return value


def command(cmd: int, sub: int, data: bytes = b"") -> bytes:
    checked = HEADER + bytes([cmd, sub]) + len(data).to_bytes(2, "big") + data
    return checked + crc(checked).to_bytes(2, "little")


def answer(cmd: int, status: int = 0, data: bytes = b"") -> bytes:
    checked = HEADER + bytes([cmd, status]) + len(data).to_bytes(2, "big") + data
    return checked + crc(checked).to_bytes(2, "big")


CANCEL, PING, SLOT = command(0x05, 0x01), command(0x18, 0x01), command(0xE0, 0x01)
CANCELLED, PONG, EMPTY, OCCUPIED = answer(0x05), answer(0x18), answer(0xE0, 0, b"\0"), answer(0xE0, 0, b"\2")
SEATED, UNSEATED = command(0xF2, 0, b"\1"), command(0xF2, 0, b"\0")
BEGUN, SEEN, TIMED_OUT = answer(0x02, 0x63), answer(0x02, 0x0E, b"\1"), answer(0x02, 0x08)
VERSION = answer(0x29, 0, b"VP3300 v1.01.151")
SERIAL = answer(0x12, 0, b"630Z000001".ljust(15, b"\0"))
POLLS, NOTIFIES = answer(0x01), answer(0x01)
KEY = answer(0x81, 0, b"\x01\x0c" + KSN)
HELD = answer(0xE3, 0, b"08D7B4A1C2")
NO_KEY = answer(0x81, 0, b"\0\0")


def objects(*pairs: tuple[str, bytes]) -> bytes:
    return b"".join(bytes.fromhex(tag) + bytes([len(value)]) + value for tag, value in pairs)


def card(
    sequence: str, *, way: int = 0x01, mode: str = "07", status: int = 0x23, masked: str = "476173CCCCCC0119",
    attribution: int = 0xC2, emv: bytes = b"", without: str = "", cipher: bytes = CIPHER, ksn: bytes = KSN,
) -> bytes:  # fmt: skip
    """An answer to 02-40; `way` 00 contact, 01 contactless, 08 stripe."""
    pairs = [
        ("DFEE12", ksn), ("57", cipher), ("DFEF5B", bytes.fromhex(masked)), ("50", b"VISA CREDIT"),
        ("9F39", bytes.fromhex(mode)), ("9F26", b"CRYPTOGR"), ("9F41", bytes.fromhex(sequence)),
    ]  # fmt: skip
    told = objects(*[(tag, value) for tag, value in pairs if tag != without])
    return answer(0x02, status, bytes([attribution | way]) + told + emv)


def refused(sequence: str, error: int, *, way: int = 0x00) -> bytes:
    told = objects(("FFEE1F", bytes([error, 0, 0, 0])), ("9F41", bytes.fromhex(sequence)))
    return answer(0x02, 0x0A, bytes([0xC2 | way]) + told)


def finished(sequence: str, result: str = "0002", status: int = 0) -> bytes:
    told = objects(
        ("DFEE25", bytes.fromhex(result)),
        ("9F26", bytes.fromhex("A1B2C3D4E5F60718")),
        ("9F41", bytes.fromhex(sequence)),
    )
    return answer(0x60, status, told)

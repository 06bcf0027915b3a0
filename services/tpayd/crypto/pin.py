"""A PIN as it leaves a reader: a PIN block of format 4 (ISO 9564-1:2017, 9.3.5), encrypted under a PIN key.

The block binds the PIN to its card number: under another number it decrypts to nonsense, which is refused. Its random
half makes two blocks of the same PIN differ.
"""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.ciphers import modes

from tpayd.crypto.ciphers import Aes
from tpayd.crypto.errors import CardDataError

__all__ = ["MAX_PIN_DIGITS", "MIN_PIN_DIGITS", "PIN_BLOCK_BYTES", "decrypt_pin_block", "encrypt_pin_block"]

PIN_BLOCK_BYTES = 16
MIN_PIN_DIGITS = 4
MAX_PIN_DIGITS = 12

_RANDOM_BYTES = 8
_PIN_NIBBLES = 14
_SHORTEST_PAN = 12
_LONGEST_PAN = 19
_CONTROL = "4"
_FILL = "A"
_ECB = modes.ECB()  # noqa: S305 - one block, chained by hand as the format says


def encrypt_pin_block(key: bytes, pin: str, pan: str, random: bytes | None = None) -> bytes:
    """The 16-byte block of a PIN and a card number. `random`, 8 bytes, is given in known-answer tests only.

    Raises:
        CardDataError: the PIN is not 4 to 12 digits, or the card number not 1 to 19.
        KeySizeError: the key is not an AES key.
    """
    if not (MIN_PIN_DIGITS <= len(pin) <= MAX_PIN_DIGITS and _digits(pin)):
        raise CardDataError(f"a PIN has {MIN_PIN_DIGITS} to {MAX_PIN_DIGITS} digits")
    head = f"{_CONTROL}{len(pin):X}{pin:{_FILL}<{_PIN_NIBBLES}}"
    field = bytes.fromhex(head) + (os.urandom(_RANDOM_BYTES) if random is None else random)
    encryptor = Aes(key, _ECB).encryptor()
    return encryptor.update(_xor(encryptor.update(field), _pan_field(pan)))


def decrypt_pin_block(key: bytes, block: bytes, pan: str) -> str:
    """The PIN of a block.

    Raises:
        CardDataError: not 16 bytes, or not a PIN block of this card under this key.
        KeySizeError: the key is not an AES key.
    """
    if len(block) != PIN_BLOCK_BYTES:
        raise CardDataError(f"a PIN block has {PIN_BLOCK_BYTES} bytes, not {len(block)}")
    decryptor = Aes(key, _ECB).decryptor()
    field = decryptor.update(_xor(decryptor.update(block), _pan_field(pan))).hex().upper()
    size = int(field[1], 16)
    pin, fill = field[2 : 2 + size], field[2 + size : 2 + _PIN_NIBBLES]
    if (
        field[0] != _CONTROL
        or not MIN_PIN_DIGITS <= size <= MAX_PIN_DIGITS
        or not _digits(pin)
        or fill != _FILL * (_PIN_NIBBLES - size)
    ):
        raise CardDataError("not a PIN block of this card under this key")
    return pin


def _pan_field(pan: str) -> bytes:
    if not (pan and len(pan) <= _LONGEST_PAN and _digits(pan)):
        raise CardDataError(f"a card number has at most {_LONGEST_PAN} digits")
    padded = pan.rjust(_SHORTEST_PAN, "0")
    return bytes.fromhex(f"{len(padded) - _SHORTEST_PAN}{padded}".ljust(PIN_BLOCK_BYTES * 2, "0"))


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))

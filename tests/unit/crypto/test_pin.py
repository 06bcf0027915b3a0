"""A PIN block of format 4 is the published one, says nothing without its key, and belongs to one card."""

from __future__ import annotations

import pytest

from tpayd.crypto.errors import CardDataError, KeySizeError
from tpayd.crypto.pin import decrypt_pin_block, encrypt_pin_block

PAN = "4111111111111111"
KEY = bytes.fromhex("AF8CB133A78F8DC2D1359F18527593FB")
BLOCK = bytes.fromhex("A912150391AB65A67E52883D81CE2D15")
"""X9.24-3-2017, supplement: the PIN key of counter 1, and a block under it."""


def test_the_published_block_is_made_and_read() -> None:
    assert BLOCK == encrypt_pin_block(KEY, "1234", PAN, bytes.fromhex("2F69ADDE2E9E7ACE"))
    assert decrypt_pin_block(KEY, BLOCK, PAN) == "1234"


@pytest.mark.parametrize("pin", ["1234", "123456", "123456789012"])
@pytest.mark.parametrize("pan", ["5", "411111111111", "4111111111111111", "4111111111111111110"])
def test_what_went_in_comes_out(pin: str, pan: str) -> None:
    assert pin == decrypt_pin_block(KEY, encrypt_pin_block(KEY, pin, pan), pan)


def test_two_blocks_of_one_pin_differ() -> None:
    assert encrypt_pin_block(KEY, "1234", PAN) != encrypt_pin_block(KEY, "1234", PAN)


@pytest.mark.parametrize("block", [BLOCK[:-1], BLOCK + b"\0", b"", bytes(16)])
def test_what_is_no_block_is_refused(block: bytes) -> None:
    with pytest.raises(CardDataError):
        decrypt_pin_block(KEY, block, PAN)


def test_another_cards_number_or_key_reads_nothing() -> None:
    with pytest.raises(CardDataError):
        decrypt_pin_block(KEY, BLOCK, "4242424242424242")
    with pytest.raises(CardDataError):
        decrypt_pin_block(bytes(16), BLOCK, PAN)


@pytest.mark.parametrize("pin", ["123", "1234567890123", "12a4", "１２３４", ""])
def test_only_four_to_twelve_digits_are_a_pin(pin: str) -> None:
    with pytest.raises(CardDataError) as refused:
        encrypt_pin_block(KEY, pin, PAN)
    assert not pin or pin not in str(refused.value)


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(KeySizeError):
        encrypt_pin_block(bytes(15), "1234", PAN)

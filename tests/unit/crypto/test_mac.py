"""Message authentication codes and check values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.check_value import check_value, same_check_value
from tpayd.crypto.errors import KeySizeError
from tpayd.crypto.mac import cmac, cmac8, verify8

KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
BLOCK = bytes.fromhex("6BC1BEE22E409F96E93D7E117393172A")


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", "BB1D6929E95937287FA37D129B756746"), (BLOCK, "070A16B46B4D4144F79BDD9DD04A287C")],
)
def test_published_vectors(data: bytes, expected: str) -> None:
    """AES-CMAC as in NIST SP 800-38B, D.1; the message MAC is its first half."""
    assert expected == cmac(KEY, data).hex().upper()
    assert expected[:16] == cmac8(KEY, data).hex().upper()


@given(st.binary(max_size=600), st.integers(0, 63))
def test_any_changed_bit_is_found(data: bytes, bit: int) -> None:
    """A right MAC holds; with one bit changed it does not."""
    mac = cmac8(KEY, data)
    changed = (int.from_bytes(mac, "big") ^ (1 << bit)).to_bytes(8, "big")
    assert (True, False) == (verify8(KEY, data, mac), verify8(KEY, data, changed))


@pytest.mark.parametrize("mac", [b"", cmac(KEY, BLOCK), cmac8(KEY, BLOCK)[:7]])
def test_mac_of_another_length_does_not_hold(mac: bytes) -> None:
    """Neither a longer nor a shorter MAC passes."""
    assert False is verify8(KEY, BLOCK, mac)


def test_key_of_wrong_size_is_refused() -> None:
    """Only AES keys make MACs, and the error does not hold the key."""
    with pytest.raises(KeySizeError) as caught:
        cmac8(b"secret-key", b"")
    assert "secret" not in str(caught.value)


def test_check_value() -> None:
    """The check value of an AES key is the first five bytes of the CMAC of a zero block (X9.24-1-2017, annex A)."""
    assert cmac(KEY, bytes(16))[:5].hex().upper() == check_value(KEY)


def test_check_values_compare_whole() -> None:
    """Case does not matter, a prefix is not enough."""
    value = check_value(KEY)
    assert [True, False] == [same_check_value(value, value.lower()), same_check_value(value, value[:6])]

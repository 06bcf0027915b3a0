"""A keyed number is readable under its own key only, its length tells little, and it is never quoted."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.data import DATA_MAX_BYTES, decrypt_data, encrypt_data
from tpayd.crypto.errors import CardDataError, KeySizeError

KEY = bytes(range(16))


@given(st.binary(min_size=1, max_size=DATA_MAX_BYTES), st.binary(min_size=16, max_size=16))
def test_round_trip(data: bytes, key: bytes) -> None:
    """What goes in comes out, over the next multiple of 64 bytes."""
    cipher = encrypt_data(key, data)
    assert (len(data) // 64 * 64 + 64, data) == (len(cipher), decrypt_data(key, cipher))


def test_it_is_aes_cbc_of_the_padded_bytes() -> None:
    """As docs/host-protocol.md says, so that a host can be written from it."""
    encryptor = Cipher(algorithms.AES(KEY), modes.CBC(bytes(16))).encryptor()
    assert encryptor.update(b"01012345678" + bytes([53]) * 53) == encrypt_data(KEY, b"01012345678")


def test_another_key_reads_nothing() -> None:
    """Under another key the cipher text is refused, not misread."""
    with pytest.raises(CardDataError):
        decrypt_data(bytes(16), encrypt_data(KEY, b"01012345678"))


@pytest.mark.parametrize("data", [b"", b"0" * (DATA_MAX_BYTES + 1)])
def test_nothing_and_too_much_are_refused_unquoted(data: bytes) -> None:
    """With the limit in the text, and none of the data."""
    with pytest.raises(CardDataError, match="1 to 512 bytes") as caught:
        encrypt_data(KEY, data)
    assert "000" not in str(caught.value)


@pytest.mark.parametrize("cipher", [b"", bytes(16), bytes(63), bytes(64), bytes(640)])
def test_what_is_no_cipher_text_of_ours_is_refused(cipher: bytes) -> None:
    """No whole blocks, or padding that is none."""
    with pytest.raises(CardDataError):
        decrypt_data(KEY, cipher)


def test_a_key_of_another_length_is_refused() -> None:
    """Both ways."""
    with pytest.raises(KeySizeError):
        encrypt_data(bytes(15), b"1")
    with pytest.raises(KeySizeError):
        decrypt_data(bytes(15), bytes(64))

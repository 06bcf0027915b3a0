"""AES contexts that are set up for one key each."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.ciphers import Aes
from tpayd.crypto.errors import KeySizeError

MODES: list[modes.ECB | modes.CBC] = [modes.ECB(), modes.CBC(bytes(range(16)))]
KEYS = st.sampled_from([16, 24, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@pytest.mark.parametrize("mode", MODES, ids=["ECB", "CBC"])
@given(key=KEYS, blocks=st.binary(min_size=48, max_size=48))
def test_is_the_library_s_own_cipher(mode: modes.ECB | modes.CBC, key: bytes, blocks: bytes) -> None:
    """A key under a mode encrypts and decrypts as the library's own cipher of both does."""
    expected = Cipher(algorithms.AES(key), mode).encryptor().update(blocks)
    assert expected == Aes(key, mode).encryptor().update(blocks)
    assert blocks == Aes(key, mode).decryptor().update(expected)


@pytest.mark.parametrize("size", [0, 15, 17, 31, 33, 64])
def test_other_keys_are_refused(size: int) -> None:
    """A key that is none of AES's three lengths is refused, also the one of 64 bytes that the library has for XTS."""
    with pytest.raises(KeySizeError, match=f"not {size}"):
        Aes(bytes(size), MODES[0])

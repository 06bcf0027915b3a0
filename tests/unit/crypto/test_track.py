"""Card data is readable under its own key only, and is never quoted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.crypto.errors import CardDataError, KeySizeError
from tpayd.crypto.track import decrypt_track, encrypt_track

KEY = bytes(range(16))
TRACK = "4111111111111111D30122011000012345678"

tracks = st.builds(
    lambda pan, separator, rest: f"{pan}{separator}{rest}",
    st.text("0123456789", min_size=12, max_size=19),
    st.sampled_from("D="),
    st.text("0123456789", min_size=7, max_size=20),
)


@given(tracks, st.binary(min_size=16, max_size=16))
def test_round_trip(track: str, key: bytes) -> None:
    """What goes in comes out, always over 48 bytes."""
    cipher = encrypt_track(key, track)
    assert (48, track) == (len(cipher), decrypt_track(key, cipher))


def test_another_key_reads_nothing() -> None:
    """Under another key the cipher text is refused, not misread."""
    with pytest.raises(CardDataError):
        decrypt_track(bytes(16), encrypt_track(KEY, TRACK))


@pytest.mark.parametrize("track", ["", "4111111111111111", "4111D30D12", TRACK + "0000", "4111111111111111D30\n"])
def test_bad_track_is_refused_unquoted(track: str) -> None:
    """A track that does not fit is refused, and the error shows none of it."""
    with pytest.raises(CardDataError) as caught:
        encrypt_track(KEY, track)
    assert "4111" not in str(caught.value)


@pytest.mark.parametrize("size", [0, 32, 47, 49, 64])
def test_cipher_of_another_length_is_refused(size: int) -> None:
    """Encrypted card data has 48 bytes."""
    with pytest.raises(CardDataError):
        decrypt_track(KEY, bytes(size))


def test_key_of_wrong_size_is_refused() -> None:
    """Only AES keys encrypt tracks."""
    with pytest.raises(KeySizeError):
        encrypt_track(b"short", TRACK)

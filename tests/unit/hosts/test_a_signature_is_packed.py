"""A signature goes to the host small, and comes out as it went in."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tpayd.hosts import HostFormatError
from tpayd.hosts.signature import BMP_MAX_BYTES, pack_signature, unpack_signature


@given(st.binary(max_size=2000))
def test_round_trip(pixels: bytes) -> None:
    """Any bitmap."""
    assert b"BM" + pixels == unpack_signature(pack_signature(b"BM" + pixels))


@pytest.mark.parametrize("bmp", [b"", b"GIF89a", b"BM" + bytes(BMP_MAX_BYTES)])
def test_what_is_no_signature_is_not_packed(bmp: bytes) -> None:
    """No bitmap, or one beyond any sign pad."""
    with pytest.raises(HostFormatError, match="DE 59"):
        pack_signature(bmp)


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"BM",
        zlib.compress(b"GIF89a"),
        zlib.compress(b"BM" + bytes(10_000_000)),
        zlib.compress(b"BM")[:-1],
        zlib.compress(b"BM") + b"x",
    ],
)
def test_what_is_no_packed_signature_is_refused(packed: bytes) -> None:
    """Cut off, followed by something, of another kind, or far larger than it looks: never unpacked whole."""
    with pytest.raises(HostFormatError, match="DE 59"):
        unpack_signature(packed)

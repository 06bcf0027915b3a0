"""A customer's signature on its way to the host: a bitmap of one bit per pixel (BMP), compressed (zlib, RFC 1950)."""

from __future__ import annotations

import zlib

from tpayd.hosts.errors import HostFormatError

__all__ = ["BMP_MAX_BYTES", "pack_signature", "unpack_signature"]

BMP_MAX_BYTES = 8192
"""Of 255 x 255 pixels, the largest that a sign pad takes."""
_LEVEL = 9
_MAGIC = b"BM"
_FIELD = "DE 59"


def pack_signature(bmp: bytes) -> bytes:
    """The bitmap as `Financial.signature` takes it; raises HostFormatError for what is no bitmap."""
    if not bmp.startswith(_MAGIC) or len(bmp) > BMP_MAX_BYTES:
        raise HostFormatError(_FIELD, f"a signature is a BMP of at most {BMP_MAX_BYTES} bytes")
    return zlib.compress(bmp, _LEVEL)


def unpack_signature(packed: bytes) -> bytes:
    """The bitmap again; raises HostFormatError. Never unpacks more than `BMP_MAX_BYTES`."""
    unpacking = zlib.decompressobj()
    try:
        bmp = unpacking.decompress(packed, BMP_MAX_BYTES)
    except zlib.error:
        raise HostFormatError(_FIELD, "is not compressed by zlib") from None
    if not unpacking.eof or unpacking.unused_data or not bmp.startswith(_MAGIC):
        raise HostFormatError(_FIELD, f"holds no BMP of at most {BMP_MAX_BYTES} bytes")
    return bmp

"""A vendor's signed description of one image: `firmware/<vendor>/<model>-<mode>-<version>.json`. Pure.

docs/firmware.md has its fields. Unknown ones are left aside: a newer publisher may say more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from tpayd.updater.errors import DescriptionError
from tpayd_contracts.shapes import END

__all__ = ["ANY_MODE", "FORMAT", "FirmwareDescription", "version_key"]

FORMAT = 1
ANY_MODE = "any"
"""Readers of this model have but one communication mode."""
_IMAGE_MAX_BYTES = 64 * 1024 * 1024
_NUMBER = re.compile(r"[0-9]+")


def _hex(size_bytes: int) -> Meta:
    return Meta(pattern=rf"^[0-9a-f]{{{2 * size_bytes}}}{END}")


class FirmwareDescription(Struct, frozen=True):
    """See the module."""

    format: int
    vendor: Annotated[str, Meta(pattern=rf"^[a-z0-9_-]{{1,64}}{END}")]
    model: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,16}}{END}")]
    """The certified model, as the reader tells it."""
    mode: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9]{{1,8}}{END}")]
    version: Annotated[str, Meta(pattern=rf"^[0-9A-Za-z.]{{1,5}}{END}")]
    image: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9._-]{{1,100}}{END}")]
    """The image's name beside this description."""
    size_bytes: Annotated[int, Meta(ge=1, le=_IMAGE_MAX_BYTES)]
    sha256: Annotated[str, _hex(32)]
    min_daemon: Annotated[str, Meta(pattern=rf"^[0-9]{{1,6}}\.[0-9]{{1,6}}\.[0-9]{{1,6}}{END}")]
    """The oldest tpayd that may bring it into a reader."""
    ticket: Annotated[str, _hex(64)]
    """The vendor's word to the reader (docs/reader-protocol.md)."""
    vendor_key: Annotated[str, _hex(32)]
    """By which the vendor's readers are known."""
    notes: Mapping[str, Annotated[str, Meta(max_length=4096)]] = {}
    """Guidance by language: `en`, `ko`."""

    @classmethod
    def parse(cls, content: bytes, target: str) -> FirmwareDescription:
        """Read a description; `target` is the path under which it was signed. Raises DescriptionError."""
        try:
            told = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DescriptionError(f"{target}: {error}; the vendor has to publish it anew") from None
        if told.format != FORMAT:
            raise DescriptionError(f"{target}: format is {told.format}, and this tpayd reads {FORMAT}; update it first")
        path = f"firmware/{told.vendor}/{told.model}-{told.mode}-{told.version}.json"
        if path != target:
            raise DescriptionError(f"{target}: it is about {path}; the vendor has to publish it anew")
        return told

    @property
    def image_target(self) -> str:
        """The image's path in the repository."""
        return f"firmware/{self.vendor}/{self.image}"


def version_key(version: str) -> tuple[tuple[int, ...], str]:
    """By which versions are ordered: number by number, then as text. 01.10 is newer than 1.9."""
    return tuple(map(int, _NUMBER.findall(version))), version

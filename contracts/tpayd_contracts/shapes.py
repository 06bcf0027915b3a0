"""Shared field shapes, so that a limit is written once."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

__all__ = ["Count", "Hex", "Lane", "Name", "RequestId", "ShortText", "TerminalId", "UnixMs"]

Lane = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,16}$", description="a lane's name, e.g. '1' or 'kiosk-2'")]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="a configured name")]
RequestId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        description="a UUID in lower case; never used again",
    ),
]
TerminalId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{8}$", description="DE 41, as the host issued it")]
ShortText = Annotated[str, Meta(max_length=64)]
Hex = Annotated[str, Meta(pattern=r"^(?:[0-9A-F]{2})*$", max_length=2048)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
UnixMs = Annotated[int, Meta(ge=0, le=2**53, description="milliseconds since 1970-01-01 UTC")]

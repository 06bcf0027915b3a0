"""Shared field shapes, so that a limit is written once."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

__all__ = [
    "END",
    "Arc",
    "Count",
    "Hex",
    "Lane",
    "LocalTime",
    "Name",
    "RequestId",
    "ShortText",
    "TerminalId",
    "UnixMs",
    "is_request_id",
]

END = r"$(?!\n)"
"""The end of a pattern. Python's `$` matches before a last line feed as well, JSON Schema's does not: with `$` alone
"1" and "1\\n" would be two lanes. The generated schema has the plain `$`."""

Lane = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_-]{{1,16}}{END}", description="a lane's name, e.g. '1' or 'kiosk-2'")]
Name = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9_.-]{{1,64}}{END}", description="a configured name")]
_REQUEST_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" + END
RequestId = Annotated[
    str,
    Meta(
        pattern=_REQUEST_ID,
        description="a UUID in lower case; never used again",
    ),
]
TerminalId = Annotated[str, Meta(pattern=rf"^[A-Za-z0-9]{{8}}{END}", description="DE 41, as the host issued it")]
ShortText = Annotated[str, Meta(max_length=64)]
Hex = Annotated[str, Meta(pattern=rf"^(?:[0-9A-F]{{2}})*{END}", max_length=2048)]
Arc = Annotated[str, Meta(pattern=rf"^[0-9A-Z]{{2}}{END}", description="response code, two digits or capitals")]
LocalTime = Annotated[str, Meta(pattern=rf"^[0-9]{{14}}{END}", description="local time, YYYYMMDDhhmmss")]
Count = Annotated[int, Meta(ge=0, le=2**53)]
UnixMs = Annotated[int, Meta(ge=0, le=2**53, description="milliseconds since 1970-01-01 UTC")]

_is_request_id = re.compile(_REQUEST_ID).fullmatch


def is_request_id(text: str) -> bool:
    """Whether an envelope's key is a RequestId. Fields of a body are checked by their type, the key by this."""
    return _is_request_id(text) is not None

"""A client's key file, as `tpayd client add` writes it: one JSON object, mode 0600.

`{"tpayd_key": 1, "client": "till-1", "endpoint": "tcp://10.0.0.5:7700", "server_public_key": "…",
"client_public_key": "…", "client_secret_key": "…"}`, the keys in Z85 (40 characters each).
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tpayd_client.errors import KeyFileError

__all__ = ["KEY_FILE_FORMAT", "ClientKey", "read_key_file"]

KEY_FILE_FORMAT = 1
_Z85_LENGTH = 40


@dataclass(frozen=True)
class ClientKey:
    """What a client needs to reach the gateway over tcp."""

    client: str
    endpoint: str
    server_public_key: str
    client_public_key: str
    client_secret_key: str = field(repr=False)


def read_key_file(path: str | os.PathLike[str]) -> ClientKey:
    """Read and check a key file. Raises KeyFileError, which never quotes a key."""
    where = Path(path)
    try:
        if os.name == "posix" and stat.S_IMODE(where.stat().st_mode) & 0o077:
            raise KeyFileError(f"{where} can be read by others: chmod 600 it, and have the client added anew")
        content = json.loads(where.read_text(encoding="utf-8"))
    except OSError as error:
        raise KeyFileError(f"the key file {where} cannot be read: {error.strerror}") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise KeyFileError(f"{where} is not JSON: it is no key file of `tpayd client add`") from None
    if not isinstance(content, dict) or content.get("tpayd_key") != KEY_FILE_FORMAT:
        raise KeyFileError(f"{where} is not a key file of format {KEY_FILE_FORMAT}")
    return ClientKey(
        client=_text(where, content, "client"),
        endpoint=_text(where, content, "endpoint"),
        server_public_key=_key(where, content, "server_public_key"),
        client_public_key=_key(where, content, "client_public_key"),
        client_secret_key=_key(where, content, "client_secret_key"),
    )


def _text(where: Path, content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value:
        raise KeyFileError(f"{where} has no `{name}`")
    return value


def _key(where: Path, content: dict[str, Any], name: str) -> str:
    value = _text(where, content, name)
    if len(value) != _Z85_LENGTH:
        raise KeyFileError(f"`{name}` in {where} is not a CURVE key: Z85 has {_Z85_LENGTH} characters")
    return value

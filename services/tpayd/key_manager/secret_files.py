"""Files in secrets/: read only when nobody else can read them."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tpayd.key_manager.errors import SecretFileError

__all__ = ["TransportKeys", "read_secret", "read_transport_keys"]

MAX_SECRET_BYTES = 256 * 1024
_TRANSPORT_KEY = re.compile(r"[0-9A-Fa-f]{32}")


def read_secret(path: Path) -> bytes:
    """The content of a secret file.

    Raises:
        SecretFileError: missing, not a regular file of our own, readable or writable by others, or over 256 KiB.
    """
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SecretFileError(path, "is missing; `tpayd init` makes it, or put your own there with mode 0600") from None
    except OSError as error:
        raise SecretFileError(path, f"cannot be opened: {error.strerror}; it must be a file, not a link") from error
    try:
        # On the open file, not on the path: what was checked is what is read.
        _check(path, os.fstat(descriptor))
        return os.read(descriptor, MAX_SECRET_BYTES)
    finally:
        os.close(descriptor)


class TransportKeys:
    """The keys that each terminal shares with the host, by profile. They protect key exchanges and nothing else."""

    def __init__(self, keys: Mapping[tuple[str, str], bytes]) -> None:
        """`keys`: (profile, terminal id) → AES-128 key."""
        self._keys = dict(keys)

    def get(self, profile: str, terminal_id: str) -> bytes | None:
        """The transport key of a terminal, or None."""
        return self._keys.get((profile, terminal_id))

    def __repr__(self) -> str:
        return f"TransportKeys({len(self._keys)} terminals)"


def read_transport_keys(path: Path) -> TransportKeys:
    """Read the transport keys: TOML, one table per host profile, `<terminal id> = "<32 hexadecimal digits>"`.

    Raises:
        SecretFileError: see `read_secret`, or not of that form.
    """
    try:
        tables = tomllib.loads(read_secret(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Their own texts quote the line, and the line holds a key.
        raise SecretFileError(path, "is not TOML; see docs/keys.md for its form") from None
    keys: dict[tuple[str, str], bytes] = {}
    for profile, table in tables.items():
        if not isinstance(table, dict):
            raise SecretFileError(path, f"holds no table [{profile}] of terminals, but something else")
        for terminal_id, value in table.items():
            if not isinstance(value, str) or not _TRANSPORT_KEY.fullmatch(value):
                raise SecretFileError(path, f"needs 32 hexadecimal digits at {profile}.{terminal_id}")
            keys[profile, terminal_id] = bytes.fromhex(value)
    return TransportKeys(keys)


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SecretFileError(path, "is not a regular file")
    if found.st_uid != os.geteuid():
        raise SecretFileError(path, f"belongs to uid {found.st_uid}, not to uid {os.geteuid()} that runs this")
    if found.st_mode & 0o177:
        mode = stat.S_IMODE(found.st_mode)
        raise SecretFileError(path, f"has mode {mode:04o}, so others may have read it; renew it, then chmod 600")
    if found.st_size > MAX_SECRET_BYTES:
        raise SecretFileError(path, f"is larger than {MAX_SECRET_BYTES} bytes")

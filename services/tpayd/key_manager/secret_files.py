"""Files in secrets/: read only when nobody else can read them, written so that nobody else ever could."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

from tpayd.key_manager.errors import SecretFileError

__all__ = ["TransportKeys", "read_secret", "read_transport_keys", "render_transport_keys", "write_secret"]

MAX_SECRET_BYTES = 256 * 1024
_TRANSPORT_KEY = re.compile(r"[0-9A-Fa-f]{32}")


def read_secret(path: Path) -> bytes:
    """The content of a secret file.

    Raises:
        SecretFileError: missing, not a regular file of our own, readable or writable by others, or over 256 KiB.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise SecretFileError(path, "is missing; `tpayd init` makes it, or put your own there with mode 0600") from None
    except OSError as error:
        raise SecretFileError(path, f"cannot be opened: {error.strerror}; it must be a file, not a link") from error
    with os.fdopen(descriptor, "rb") as file:
        # On the open file, not on the path: what was checked is what is read.
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise SecretFileError(path, "is not a regular file")
        if found.st_uid != os.geteuid():
            raise SecretFileError(path, f"belongs to uid {found.st_uid}, not to uid {os.geteuid()} that runs this")
        if found.st_mode & 0o177:
            mode = stat.S_IMODE(found.st_mode)
            raise SecretFileError(path, f"has mode {mode:04o}, so others may have read it; renew it, then chmod 600")
        if found.st_size > MAX_SECRET_BYTES:
            raise SecretFileError(path, f"is larger than {MAX_SECRET_BYTES} bytes")
        return file.read(MAX_SECRET_BYTES)


def write_secret(path: Path, content: bytes) -> None:
    """Write a new secret file with mode 0600, durably. An existing one is never overwritten.

    Raises:
        SecretFileError: it exists, or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        raise SecretFileError(path, "exists already, and is not overwritten") from None
    except OSError as error:
        raise SecretFileError(path, f"cannot be written: {error.strerror}") from error


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
            raise SecretFileError(path, f"{profile}: expected a table [{profile}] of terminals")
        for terminal_id, value in table.items():
            if not isinstance(value, str) or not _TRANSPORT_KEY.fullmatch(value):
                raise SecretFileError(path, f"{profile}.{terminal_id}: expected 32 hexadecimal digits")
            keys[profile, terminal_id] = bytes.fromhex(value)
    return TransportKeys(keys)


def render_transport_keys(keys: Mapping[tuple[str, str], bytes]) -> bytes:
    """The file's text for these keys, as `read_transport_keys` reads it."""
    lines = ["# Transport keys of the terminals, as the acquirer gave them. One table per host profile.\n"]
    for profile in sorted({profile for profile, _ in keys}):
        lines.append(f"\n[{profile}]\n")
        mine = sorted((terminal, key) for (of, terminal), key in keys.items() if of == profile)
        lines += [f'{terminal} = "{key.hex().upper()}"\n' for terminal, key in mine]
    return "".join(lines).encode()

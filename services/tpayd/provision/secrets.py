"""Random secrets in files that their owner alone can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_secret"]

_PASSPHRASE_BYTES = 32


def write_secret(path: Path, text: str | None = None) -> None:
    """Write a secret, a random one unless `text` is given, durably and with mode 0600.

    An existing file is left as it is: a key store that was made under it would be lost with it.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write((text or secrets.token_urlsafe(_PASSPHRASE_BYTES)) + "\n")
        file.flush()
        os.fsync(file.fileno())

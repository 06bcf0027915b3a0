"""A file that is replaced as a whole, durably: after a power cut it is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["commit_file", "prepare_file", "replace_file", "sync_directory"]


def replace_file(path: Path, content: bytes, mode: int) -> None:
    """Put a whole file in place at once; it never exists with another mode. Raises OSError: the old one stands then."""
    commit_file(prepare_file(path, content, mode), path)


def prepare_file(path: Path, content: bytes, mode: int) -> Path:
    """Write what shall replace `path` beside it, on the disk: what can fail for want of space has succeeded then.

    Returns where it lies, for `commit_file`. Raises OSError, and leaves nothing behind then. What root replaces stays
    its owner's: the command line of an instance whose processes have users of their own is root's.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            _keep_owner(path, file.fileno())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return fresh


def _keep_owner(path: Path, descriptor: int) -> None:
    if os.geteuid() != 0:
        return
    try:
        before = path.lstat()
    except FileNotFoundError:
        return
    os.fchown(descriptor, before.st_uid, before.st_gid)


def commit_file(fresh: Path, path: Path) -> None:
    """Put what was prepared in the place of `path`, for good. Raises OSError."""
    fresh.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make on the disk what was added to, renamed in or removed from a directory. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

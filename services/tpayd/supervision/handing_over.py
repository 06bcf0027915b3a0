"""Gives directories and files away, as root, while those who get them may be at work in them: no link is followed.

Each is changed through its open descriptor: its present owner could put a link to another's file in its place between
a look and a change. A file with a second name is left alone, since that name may be anybody's.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

__all__ = ["give_all", "set_directory", "set_file"]


def set_directory(path: Path, uid: int, gid: int, mode: int) -> None:
    """Make it where it is missing, and give it. Raises OSError, also for what is no directory."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _set(descriptor, uid, gid, mode)
    finally:
        os.close(descriptor)


def set_file(path: Path, uid: int, gid: int, mode: int) -> None:
    """A missing one is nobody's, and so is one that is no file. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
            _set(descriptor, uid, gid, mode)
    finally:
        os.close(descriptor)


def give_all(root: Path, uid: int, gid: int) -> None:
    """All that a directory holds, and itself; links are given, never followed. Raises OSError."""
    for _, directories, files, descriptor in os.fwalk(root, follow_symlinks=False):
        for name in (*directories, *files):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if (found.st_uid, found.st_gid) != (uid, gid) and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
                    os.chown(name, uid, gid, dir_fd=descriptor, follow_symlinks=False)
        os.chown(".", uid, gid, dir_fd=descriptor)


def _set(descriptor: int, uid: int, gid: int, mode: int) -> None:
    """Only what differs: under systemd, root may not have the right to change it."""
    found = os.fstat(descriptor)
    if (found.st_uid, found.st_gid) != (uid, gid):
        os.fchown(descriptor, uid, gid)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)

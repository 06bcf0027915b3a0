"""Separate users: where root starts the house, each of its processes may run under a uid of its own.

`tpayd users separate` writes `users.toml` into the instance directory; without that file all processes run as whoever
starts them. The scheme: `first_uid` is the number of the house's group, and each process has `first_uid` plus its own
number in `NUMBERS`, so that a process that comes with a later version has its place already. No account is needed: the
default block lies where neither useradd(8), Debian (policy 9.2.2) nor systemd (docs/UIDS-GIDS.md) gives numbers out.

What lies where, and who may read it, is in docs/operations.md, "Users", and in `tpayd.supervision.separation`.
"""

from __future__ import annotations

import contextlib
import grp
import os
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "BLOCK",
    "DEFAULT_FIRST_UID",
    "DEVICE_GROUPS",
    "NUMBERS",
    "HouseUsers",
    "UsersError",
    "acting_as",
    "take_own_user",
    "users_file",
]

DEFAULT_FIRST_UID = 60800
BLOCK = 32
"""Numbers kept for one instance; the next one on a machine begins after them."""
NUMBERS = {
    "gateway": 1, "transaction": 2, "key_manager": 3, "device_broker": 4, "host_link": 5, "updater": 6,
    "log_shipper": 7, "console": 8, "back_office": 9, "widget": 10,
    "sandbox_host": 17, "sandbox_readers": 18, "sandbox_updates": 19, "sandbox_logs": 20,
}  # fmt: skip
"""What is added to `first_uid` for each process. A number is never given to another one."""
_ROOT = 0
_BY_ROOT = frozenset({"cli", "watchdog"})
"""Names of the house that are no services: the owner's command line, and the watchdog, which must be able to kill."""
_FIRST_MIN, _FIRST_MAX = 1_000, 2**31 - BLOCK
DEVICE_GROUPS = ("dialout", "uucp")
"""Groups that own serial ports: dialout in Debian and Fedora, uucp in Arch."""
_OPENS_PORTS = "device_broker"


class UsersError(Exception):
    """users.toml cannot be used; the message says why, and the way out."""


@dataclass(frozen=True)
class HouseUsers:
    """The uids of one instance."""

    first_uid: int

    @property
    def gid(self) -> int:
        """The group of the house."""
        return self.first_uid

    def uid(self, name: str) -> int:
        """Whose uid a process of the house has. Raises UsersError for a name without a number."""
        if name in _BY_ROOT:
            return _ROOT
        if name not in NUMBERS:
            raise UsersError(f"{name} has no number in the scheme of separate users; see docs/operations.md, 'Users'")
        return self.first_uid + NUMBERS[name]

    def owns(self, uid: int) -> bool:
        """Whether it is root, or a process of the house."""
        return uid == _ROOT or self.first_uid <= uid < self.first_uid + BLOCK

    @classmethod
    def read(cls, home: Path) -> HouseUsers | None:
        """What `home` says; None where its processes share one user.

        Raises UsersError for a file that cannot be read, that others than root could have written, or that is wrong.
        """
        path = users_file(home)
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                told = tomllib.load(file)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UsersError(f"{path} cannot be read: {error}") from error
        if found.st_uid != _ROOT or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UsersError(f"{path} must belong to root, and nobody else may write it: chown root, chmod go-w")
        first = told.get("first_uid")
        if set(told) != {"first_uid"} or type(first) is not int or not _FIRST_MIN <= first <= _FIRST_MAX:
            raise UsersError(
                f"{path}: expected first_uid, a number from {_FIRST_MIN} to {_FIRST_MAX}, and nothing else"
            )
        return cls(first)


def users_file(home: Path) -> Path:
    """Where the numbers stand."""
    return home / "users.toml"


def take_own_user(name: str, users: HouseUsers) -> None:
    """Become the process's own user for good, if this is root. Raises UsersError, OSError.

    All it can do afterwards is what that uid, the group of the house and, for readers, the groups of serial ports may.
    """
    if os.geteuid() != _ROOT:
        return
    uid, gid = users.uid(name), users.gid
    os.setgroups([gid, *(_device_groups() if name == _OPENS_PORTS else ())])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


@contextlib.contextmanager
def acting_as(name: str, users: HouseUsers | None) -> Iterator[None]:
    """Let root's command line read what is a process's own, as that process; one thread at a time."""
    if users is None or os.geteuid() != _ROOT:
        yield
        return
    before = os.getegid()
    os.setegid(users.gid)
    os.seteuid(users.uid(name))
    try:
        yield
    finally:
        os.seteuid(_ROOT)
        os.setegid(before)


def _device_groups() -> list[int]:
    found = []
    for group in DEVICE_GROUPS:
        with contextlib.suppress(KeyError):
            found.append(grp.getgrnam(group).gr_gid)
    return found

"""Root's command line on an instance of somebody else's: it goes on as that user, so that no file becomes root's."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager

from tpayd.kit.instance import home_of

__all__ = ["act_as_owner", "lent_by_owner"]


def act_as_owner() -> None:
    """For root alone: become the owner of the instance that TPAYD_HOME names, for good. Root's own stays root's."""
    found = _other_owner()
    if found is None:
        return
    try:
        owner = pwd.getpwuid(found.st_uid)
    except KeyError:  # a number without an account
        groups = [found.st_gid]
    else:
        groups = os.getgrouplist(owner.pw_name, owner.pw_gid)
        os.environ["HOME"] = owner.pw_dir
    os.setgroups(groups)
    os.setresgid(found.st_gid, found.st_gid, found.st_gid)
    os.setresuid(found.st_uid, found.st_uid, found.st_uid)


@contextmanager
def lent_by_owner() -> Iterator[None]:
    """The same for a while, for a command that needs root's rights afterwards."""
    found = _other_owner()
    if found is None:
        yield
        return
    before = os.getegid()
    os.setegid(found.st_gid)
    os.seteuid(found.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(before)


def _other_owner() -> os.stat_result | None:
    """What the instance's directory says, if this is root and somebody else owns it."""
    if os.geteuid() != 0:
        return None
    try:
        found = home_of(None).stat()
    except OSError:  # no instance yet, or a command that needs none
        return None
    return found if found.st_uid != 0 else None

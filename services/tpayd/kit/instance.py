"""The directory of one installation (TPAYD_HOME), and where things lie in it.

Everything an instance owns is below one directory, so that two instances on a machine (a store and a sandbox, or two
tests) never meet. Only its owner may write there: a directory that others can write to would let them swap a socket,
a key file or a setting, so it is refused instead of repaired. Where each process has a user of its own
(`tpayd.kit.users`), what one of them writes lies in directories of its own, so that no other can take its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tpayd.kit.users import NUMBERS, HouseUsers, UsersError

__all__ = ["HOME_VARIABLE", "OWNER_CLIENT", "Instance", "InstanceError", "sockets_fit", "home_of"]

HOME_VARIABLE = "TPAYD_HOME"
OWNER_CLIENT = "cli"
"""The client that the instance's owner is to the gateway, on this machine and without a key: the command line."""

_SOCKET_PATH_MAX_BYTES = 107
"""sun_path holds 108 bytes, the last of them NUL (unix(7))."""
_SOCKET_NAME_MAX_BYTES = 24
"""Room kept for a socket's name below `run`. The longest today is `sandbox_readers.rpc`, 19 bytes."""

_SHARED_MODE = 0o750
_PRIVATE_MODE = 0o700


class InstanceError(Exception):
    """The instance directory is missing or not safe to use. The message says which path, and the way out."""


@dataclass(frozen=True)
class Instance:
    """One installation. All paths are absolute."""

    home: Path
    config: Path
    data: Path
    log: Path
    run: Path
    secrets: Path
    sandbox: Path
    """Made by the sandbox's own processes; a live instance has none."""
    users: HouseUsers | None = None
    """None: all processes share one user."""

    @classmethod
    def open(cls, home: Path | None = None, *, create: bool = True) -> Instance:
        """The instance in `home`, else in $TPAYD_HOME, else in the user's default place.

        Missing directories are made (0750; secrets 0700), unless `create` is False. Raises InstanceError for a
        directory that is missing then, belongs to somebody else, or that others can write to.
        """
        root = home_of(home)
        users = _users(root)
        instance = cls(
            home=root,
            config=root / "config",
            data=root / "data",
            log=root / "log",
            run=_run_directory(root) if users is None else root / "run",
            secrets=root / "secrets",
            sandbox=root / "sandbox",
            users=users,
        )
        if users is not None:
            # Made by `tpayd users separate` and mended by `tpayd up`, both as root: a process could not.
            for path in (root, instance.config, instance.data, instance.log, instance.secrets, instance.run):
                _check_separate(path, users)
            return instance
        if create:
            root.parent.mkdir(parents=True, exist_ok=True)
        elif not root.is_dir():
            raise InstanceError(f"{root} does not exist; make an instance with `tpayd init`, or set {HOME_VARIABLE}")
        _ensure(root, _SHARED_MODE)
        for path in (instance.config, instance.data, instance.log):
            _ensure(path, _SHARED_MODE)
        _ensure(instance.secrets, _PRIVATE_MODE, private=True)
        outside = not instance.run.is_relative_to(root)
        _ensure(instance.run, _PRIVATE_MODE if outside else _SHARED_MODE, private=outside)
        _ensure(instance.run / "public", _SHARED_MODE)
        return instance

    def settings_file(self, name: str) -> Path:
        """`config/<name>.toml`."""
        return self.config / f"{name}.toml"

    def data_of(self, service: str) -> Path:
        """Where a process keeps data of its own: `data`, or `data/<service>` with separate users."""
        return self.data if self.users is None else self.data / service

    def secrets_of(self, service: str) -> Path:
        """Where a process makes secrets of its own: `secrets`, or `secrets/<service>` with separate users."""
        return self.secrets if self.users is None else self.secrets / service

    def run_file(self, service: str, suffix: str) -> Path:
        """A process's lock, its metrics port, its record of starts.

        `run/<service>.<suffix>`, or `run/<service>/<suffix>` with separate users.
        """
        return self.run / self._run_name(service, suffix)

    def rpc(self, service: str) -> str:
        """The endpoint on which `service` answers calls from within the house."""
        return self._endpoint(self._run_name(service, "rpc"))

    def evt(self, service: str) -> str:
        """The endpoint on which `service` publishes its events."""
        return self._endpoint(self._run_name(service, "evt"))

    def public(self) -> str:
        """The endpoint on which the gateway serves clients of this machine, apart from the house's own sockets."""
        return self._endpoint("public/gateway")

    def _run_name(self, service: str, suffix: str) -> str:
        apart = self.users is not None and service in NUMBERS
        return f"{service}{'/' if apart else '.'}{suffix}"

    def _endpoint(self, name: str) -> str:
        if len(name.encode()) > _SOCKET_NAME_MAX_BYTES:
            raise ValueError(f"socket name {name!r} is longer than {_SOCKET_NAME_MAX_BYTES} bytes")
        return f"ipc://{self.run / name}"


def home_of(home: Path | None) -> Path:
    """The instance directory that is meant: `home`, else $TPAYD_HOME, else the user's default place."""
    return (home or _default_home()).expanduser().resolve()


def sockets_fit(home: Path) -> bool:
    """Whether the sockets' paths fit below `home/run`; else they lie in a directory of one user's in /tmp."""
    return _run_directory(home) == home / "run"


def _default_home() -> Path:
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/tpayd")
    return Path("~/.local/state/tpayd")


def _run_directory(home: Path) -> Path:
    """`home/run`, unless a socket's path would not fit there: then a short private directory, the same every time."""
    inside = home / "run"
    if len(os.fsencode(inside)) + 1 + _SOCKET_NAME_MAX_BYTES <= _SOCKET_PATH_MAX_BYTES:
        return inside
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:8]
    # Not tempfile.gettempdir(): TMPDIR may differ between a service and a shell, and both must find one place.
    return Path("/tmp") / f"tpayd-{os.geteuid()}-{digest}"  # noqa: S108  checked by _ensure: ours, 0700, no link


def _users(home: Path) -> HouseUsers | None:
    try:
        return HouseUsers.read(home)
    except UsersError as error:
        raise InstanceError(str(error)) from error


def _check_separate(path: Path, users: HouseUsers) -> None:
    """Refuse a directory of an instance with separate users that others than its own could write to."""
    try:
        found = path.stat()
    except OSError as error:
        raise InstanceError(
            f"{path} cannot be used: {error.strerror}; as root, `tpayd users separate` mends it"
        ) from error
    shared = found.st_mode & stat.S_IWGRP
    safe = users.owns(found.st_uid) and not found.st_mode & stat.S_IWOTH
    if not stat.S_ISDIR(found.st_mode) or not safe or (shared and found.st_gid != users.gid):
        text = f"{path} can be written by others than the house's users (mode {found.st_mode & 0o7777:o}, uid"
        raise InstanceError(f"{text} {found.st_uid}, gid {found.st_gid}); as root, `tpayd users separate` mends it")


def _ensure(path: Path, mode: int, *, private: bool = False) -> None:
    """Make `path` with exactly `mode` if it is missing; refuse it if it is not ours alone to write to."""
    try:
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=_PRIVATE_MODE)
            path.chmod(mode)
        # `data` may be a link to another disk; a private directory may not.
        found = path.lstat() if private else path.stat()
    except OSError as error:
        raise InstanceError(f"{path} cannot be used: {error.strerror}") from error
    if not stat.S_ISDIR(found.st_mode):
        raise InstanceError(f"{path} is not a directory; move it away")
    if found.st_uid != os.geteuid():
        raise InstanceError(
            f"{path} belongs to uid {found.st_uid}, and this process runs as uid {os.geteuid()}; "
            "run it as the owner, or set another TPAYD_HOME"
        )
    if found.st_mode & 0o022:
        raise InstanceError(f"{path} can be written by others (mode {found.st_mode & 0o777:o}); chmod go-w {path}")
    if private and found.st_mode & 0o077:
        raise InstanceError(f"{path} can be read by others (mode {found.st_mode & 0o777:o}); chmod 700 {path}")

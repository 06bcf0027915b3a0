"""Gives each process of an instance a user of its own, as root; and takes that back.

Who owns what, below the instance directory (G is the house's group, each process P has the uid of `kit.users`):

| path                              | owner         | mode       | so that                                            |
|-----------------------------------|---------------|------------|----------------------------------------------------|
| the directory, `supervisor`       | root:G        | 0750       | only root changes what is started, and as whom     |
| `clients.toml`                    | root:G        | 0640       | the gateway reads it                               |
| `config`, `log`, `sandbox`        | root:G        | 1770       | a process replaces its own files, and no other's   |
| `metrics`                         | root:G        | 1770       | the same; Prometheus' user may read it, if in G    |
| `config/P.toml`, `log/P.*`        | P:G           | 0640       | the house reads them: log_shipper all logs         |
| `run`, `run/P` with P's sockets   | root:G, P:G   | 0750       | nobody can answer in another's place               |
| `run/public`                      | gateway:G     | 0750       | clients of this machine have a socket apart        |
| `data`, and the journal in it     | transaction:G | 0710, 0600 | transaction alone reads the journal                |
| `data/keys`                       | key_manager:G | 0700       | key_manager alone reads the key store              |
| `data/P`, `secrets/P`             | P:G           | 0700       | what P keeps for itself                            |
| `secrets`                         | root:G        | 0710       | its files belong to the processes that name them   |
| the signing key in it             | updater:G     | 0600       | it signs what it installs (and root starts that)   |

Shared directories have the set-group-id bit: what is made there belongs to G, whoever makes it. All of this is done
again at each `tpayd up` and each change of releases, so that a file which root has put there, or a process that is
new, has what is its own by then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tpayd.integrity.trust import trust_file
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import Instance, InstanceError, sockets_fit
from tpayd.kit.users import BLOCK, DEFAULT_FIRST_UID, NUMBERS, HouseUsers, users_file
from tpayd.supervision.handing_over import give_all, set_directory, set_file
from tpayd.supervision.programs import programs
from tpayd_contracts.settings import SETTINGS_FILES

__all__ = ["gather", "give_to", "join", "misplaced", "separate", "settle", "unreachable"]

_ROOT = ""
"""In the tables: root's, not a process's."""


@dataclass(frozen=True)
class _Place:
    owner: str
    mode: int
    inside: bool = False
    """Whether all that it holds is the owner's as well."""


_PLACES = {
    ".": _Place(_ROOT, 0o2750),
    "supervisor": _Place(_ROOT, 0o750),
    "config": _Place(_ROOT, 0o3770),
    "log": _Place(_ROOT, 0o3770),
    "metrics": _Place(_ROOT, 0o3770),
    "run": _Place(_ROOT, 0o2750),
    "run/public": _Place("gateway", 0o2750, inside=True),
    "secrets": _Place(_ROOT, 0o2710),
    "data": _Place("transaction", 0o2710),
    "data/requests": _Place(_ROOT, 0o700),
    "data/keys": _Place("key_manager", 0o700, inside=True),
    "signatures": _Place("device_broker", 0o2750, inside=True),
    "releases": _Place("updater", 0o2750, inside=True),
    "updates": _Place("updater", 0o2750, inside=True),
}
_SANDBOX_PLACES = {
    "sandbox": _Place(_ROOT, 0o3770),
    "sandbox/readers": _Place("sandbox_readers", 0o2750, inside=True),
    "sandbox/reader_state": _Place("sandbox_readers", 0o2750, inside=True),
}
_EACH = {"run/{}": 0o2750, "data/{}": 0o700, "secrets/{}": 0o700}
_FILES = {
    "data/journal.sqlite3": ("transaction", 0o600),
    "data/journal.sqlite3-wal": ("transaction", 0o600),
    "data/journal.sqlite3-shm": ("transaction", 0o600),
    "data/instance_id": ("transaction", 0o640),
    "data/terminals.json": ("transaction", 0o640),
    "secrets/gateway_curve": ("gateway", 0o600),
    "secrets/integrity_signing_key.pem": ("updater", 0o600),
    "sandbox/host.sqlite3": ("sandbox_host", 0o640),
    "sandbox/cards.toml": (_ROOT, 0o640),
    "sandbox/logs.password": ("log_shipper", 0o600),
    "clients.toml": (_ROOT, 0o640),
    "clients.toml.lock": (_ROOT, 0o660),
}
_MOVED = {
    "secrets/settings_password.json": "transaction",
    "secrets/sandbox_readers.key": "sandbox_readers",
    "data/integrity.json": "key_manager",
    "data/maintenance.json": "device_broker",
    "data/outbox": "log_shipper",
    **{f"data/settings/{file}.jsonl": service for file, service in SETTINGS_FILES.items()},
}
"""What lies elsewhere where each process has a user: in a directory of that process's own."""


def separate(instance: Instance, first_uid: int = DEFAULT_FIRST_UID) -> Instance:
    """Give each process of an instance that does not run a user of its own. Raises InstanceError, OSError."""
    if os.geteuid() != 0:
        raise InstanceError("only root can give the processes users of their own; use sudo, or leave them as they are")
    home = instance.home
    if instance.users is not None and instance.users.first_uid != first_uid:
        raise InstanceError(f"{home} has users from {instance.users.first_uid} already; `tpayd users join` first")
    if not sockets_fit(home):
        raise InstanceError(f"{home} is too long a path for sockets in it; move the instance, to /var/lib/tpayd say")
    if blocked := unreachable(home):
        raise InstanceError(f"{blocked} cannot be reached by other users than root, and the processes would have to")
    for path, service in _MOVED.items():
        _move(home / path, _own_place(home, path, service))
    _forget_sockets(home / "run")
    text = f"# The house's group, and the first of its {BLOCK} uids. `tpayd users` writes this file.\n"
    replace_file(users_file(home), f"{text}first_uid = {first_uid}\n".encode(), 0o644)
    _lay_out(home, HouseUsers(first_uid))
    changed = Instance.open(home, create=False)
    settle(changed)
    return changed


def join(instance: Instance) -> Instance:
    """Have one user for all again: root. The daemon must not run. Raises InstanceError, OSError."""
    if os.geteuid() != 0:
        raise InstanceError("only root can take the processes' users away; use sudo")
    home = instance.home
    if instance.users is None:
        return instance
    gather(home)
    _forget_sockets(home / "run")
    users_file(home).unlink()
    give_all(home, 0, 0)
    for path, mode in (("config", 0o750), ("log", 0o750), ("run", 0o750), ("run/public", 0o750), ("secrets", 0o700),
                       ("data", 0o750), (".", 0o750), ("sandbox", 0o750)):  # fmt: skip
        with contextlib.suppress(FileNotFoundError):
            (home / path).chmod(mode)
    return Instance.open(home, create=False)


def gather(home: Path) -> None:
    """Put what lies in directories of processes' own where processes of one user look for it. Raises OSError."""
    for path, service in _MOVED.items():
        _move(_own_place(home, path, service), home / path)


def settle(instance: Instance) -> None:
    """Put every file where each process has a user into the right hands, as root. Raises InstanceError, OSError."""
    users, home = instance.users, instance.home
    if users is None or os.geteuid() != 0:
        return
    _lay_out(home, users)
    for name, place in _places(home):
        if place.inside:
            give_all(home / name, _uid(users, place.owner), users.gid)
    for service in _processes(home):
        for form in _EACH:
            give_all(home / form.format(service), users.uid(service), users.gid)
    for name, (owner, mode) in _FILES.items():
        set_file(home / name, _uid(users, owner), users.gid, mode)
    for path in (home / "config").glob("*.toml"):
        uid = _uid(users, SETTINGS_FILES.get(path.stem, path.stem))
        set_file(path, uid, users.gid, 0o640)
        for secret in _secrets_named(home, path):
            set_file(secret, uid, users.gid, 0o600)
    for path in (home / "log").glob("*.jsonl"):
        set_file(path, _uid(users, path.name.partition(".")[0]), users.gid, 0o640)


def misplaced(instance: Instance) -> list[Path]:
    """What is not as the table has it, as far as this user may look; nothing where all share one user."""
    users, home = instance.users, instance.home
    if users is None:
        return []
    wanted = {name: (_uid(users, place.owner), place.mode) for name, place in _places(home)}
    for service in _processes(home):
        wanted |= {form.format(service): (users.uid(service), mode) for form, mode in _EACH.items()}
    wanted |= {name: (_uid(users, owner), mode) for name, (owner, mode) in _FILES.items()}
    found = []
    for name, (uid, mode) in wanted.items():
        with contextlib.suppress(OSError):  # a file that is not there yet
            told = (home / name).lstat()
            if (told.st_uid, told.st_gid, stat.S_IMODE(told.st_mode)) != (uid, users.gid, mode):
                found.append(home / name)
    return found


def give_to(instance: Instance, uid: int, gid: int) -> None:
    """Give an instance of root's, which does not run, to another owner as a whole. Raises OSError."""
    give_all(instance.home, uid, gid)


def unreachable(home: Path) -> Path | None:
    """What other users may not pass or read, on the way to the instance or to the Python that runs this; or None."""
    python = (Path(sys.executable), Path(sys.executable).resolve(), *map(Path, sys.path))
    for goal in (home.parent, *python, Path(__file__)):
        for each in (*reversed(goal.parents), goal):
            with contextlib.suppress(FileNotFoundError):
                mode = each.stat().st_mode
                if not mode & (stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH):
                    return each
    return None


def _lay_out(home: Path, users: HouseUsers) -> None:
    """Make and set the directories, from the outside inwards."""
    for path, place in _places(home):
        set_directory(home / path, _uid(users, place.owner), users.gid, place.mode)
    for service in _processes(home):
        for form, mode in _EACH.items():
            set_directory(home / form.format(service), users.uid(service), users.gid, mode)
    trust = trust_file(home / "config")
    if not trust.exists():  # else whoever may make files there could say whose signature counts
        replace_file(trust, b"# Nobody's signature counts yet: docs/integrity.md\n", 0o640)
    lock = home / "clients.toml.lock"
    os.close(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660))


def _places(home: Path) -> Iterator[tuple[str, _Place]]:
    yield from _PLACES.items()
    if (home / "sandbox").is_dir():
        yield from _SANDBOX_PLACES.items()


def _processes(home: Path) -> Iterator[str]:
    return (program.name for program in programs(sandbox=(home / "sandbox").is_dir()))


def _uid(users: HouseUsers, owner: str) -> int:
    """Root's is what no process is named after."""
    return users.uid(owner) if owner in NUMBERS else 0


def _secrets_named(home: Path, settings: Path) -> Iterator[Path]:
    """Files of `secrets` that a settings file names."""
    try:
        told = tomllib.loads(settings.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):  # the process says what is wrong with it
        return
    place = home / "secrets"
    for text in _texts(told):
        for path in (place / text, home / text):
            if text and path.parent == place and path.is_file():
                yield path


def _texts(value: object) -> Iterator[str]:
    inside: Iterable[object] = ()
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        inside = value.values()
    elif isinstance(value, list):
        inside = value
    for each in inside:
        yield from _texts(each)


def _own_place(home: Path, path: str, service: str) -> Path:
    top, _, rest = path.partition("/")
    return home / top / service / rest


def _move(old: Path, new: Path) -> None:
    if old.exists() and not old.is_symlink() and not new.exists():
        new.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        old.replace(new)


def _forget_sockets(run: Path) -> None:
    """Nothing runs: whatever lies there is of the other layout."""
    with contextlib.suppress(FileNotFoundError):
        for path in run.iterdir():
            if path.name == "public":
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            elif not path.name.startswith("launcher."):
                path.unlink(missing_ok=True)

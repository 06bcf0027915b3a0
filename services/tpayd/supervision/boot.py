"""Start at boot: the systemd unit of an instance, as text, and whether one is enabled (T3). systemd.unit(5)."""

from __future__ import annotations

import enum
import os
import pwd
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tpayd.kit.instance import sockets_fit
from tpayd.shipped import shipped

__all__ = ["BootUnit", "Scope", "enabled_unit", "systemd_runs", "unit_text"]

_RUNNING = Path("/run/systemd/system")
"""sd_booted(3): it is there where systemd is the init process."""
_LINGERING = Path("/var/lib/systemd/linger")
_SYSTEM_PLACES = (Path("/etc/systemd/system"), Path("/usr/local/lib/systemd/system"), Path("/usr/lib/systemd/system"))
_USER_PLACE = Path("~/.config/systemd/user")
_OF_ROOT = "CAP_SETUID CAP_SETGID CAP_KILL CAP_CHOWN CAP_FOWNER CAP_FSETID CAP_DAC_OVERRIDE"
"""What the launcher and supervisord need to give each process its user, and to end it. No process keeps any of them."""
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


class Scope(enum.Enum):
    """Whose systemd starts it."""

    SYSTEM = "system"
    USER = "user"
    """An ordinary user's own; at boot only where the user `lingers` (loginctl(1))."""


@dataclass(frozen=True)
class BootUnit:
    """What a unit has to say."""

    name: str
    home: Path
    python: Path
    scope: Scope
    user: str | None = None
    """In the system's scope: whose process it is. None: root's, who gives each process a user of its own."""
    groups: tuple[str, ...] = ()
    """Groups of serial ports."""
    writable: tuple[Path, ...] = ()
    """Places outside the instance that it writes to."""

    @property
    def file_name(self) -> str:
        return f"{self.name}.service"


def unit_text(unit: BootUnit) -> str:
    """The unit file."""
    templates = shipped("ops/systemd")
    whole = Template((templates / "tpayd.service").read_text(encoding="utf-8"))
    return whole.substitute(
        name=unit.name if unit.scope is Scope.SYSTEM else f"--user {unit.name}",
        description=str(unit.home).replace("%", "%%"),
        identity=_identity(unit),
        environment=_quoted(f"TPAYD_HOME={unit.home}"),
        command=f"{_quoted(str(unit.python), command=True)} -I -m tpayd up --foreground",
        scope=_system_part(unit) if unit.scope is Scope.SYSTEM else "",
        target="multi-user.target" if unit.scope is Scope.SYSTEM else "default.target",
    )


def systemd_runs(place: Path = _RUNNING) -> bool:
    """Whether this machine was booted with systemd."""
    return place.is_dir()


def enabled_unit(home: Path, system: Sequence[Path] = _SYSTEM_PLACES, user: Path | None = None) -> str | None:
    """The name of the enabled unit that starts this instance at boot; None: nothing does."""
    for place in system:
        for name in _enabled_in(place, home):
            return name
    own = (user or _USER_PLACE).expanduser()
    if user is not None or _lingers():
        for name in _enabled_in(own, home):
            return name
    return None


def _enabled_in(place: Path, home: Path) -> Iterator[str]:
    for link in sorted(place.glob("*.wants/*.service")):
        try:
            lines = link.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:  # a link to a unit that is gone
            continue
        if any(f"TPAYD_HOME={home}" in _words(line) for line in lines if line.startswith("Environment=")):
            yield link.name


def _words(line: str) -> list[str]:
    try:
        return [word.replace("%%", "%") for word in shlex.split(line.partition("=")[2])]
    except ValueError:  # an open quote: systemd refuses it too
        return []


def _lingers() -> bool:
    try:
        return (_LINGERING / pwd.getpwuid(os.geteuid()).pw_name).exists()
    except (KeyError, OSError):
        return False


def _identity(unit: BootUnit) -> str:
    if unit.scope is Scope.USER:
        return "# As the user whose unit it is, without any privilege."
    if unit.user is None:
        return "# Root gives each process a uid of its own (`tpayd users`): none of them keeps a capability."
    lines = [f"User={unit.user}"]
    if unit.groups:
        lines.append(f"SupplementaryGroups={' '.join(unit.groups)}")
    return "\n".join(lines)


def _system_part(unit: BootUnit) -> str:
    separate = unit.user is None
    behind_home = any(path.is_relative_to(home) for home in _HOMES for path in (unit.home, unit.python))
    places = [_quoted(str(unit.home)), *(_quoted(f"-{path}") for path in unit.writable)]
    return Template((shipped("ops/systemd") / "system.conf").read_text(encoding="utf-8")).substitute(
        capabilities=_OF_ROOT if separate else "",
        # `tpayd users` sets the set-group-id bit of directories, so that files made in them are the house's.
        no_set_id="no" if separate else "yes",
        writable=" ".join(places),
        protect_home="no" if behind_home else "yes",
        private_tmp="yes" if sockets_fit(unit.home) else "no",
    )


def _quoted(text: str, *, command: bool = False) -> str:
    """systemd.syntax(7): quoted as a whole, `%` doubled; in a command `$` too."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    if command:
        escaped = escaped.replace("$", "$$")
    plain = not any(character in escaped for character in " \t'\"\\")
    return escaped if plain else f'"{escaped}"'

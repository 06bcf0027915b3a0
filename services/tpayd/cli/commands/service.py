"""`tpayd install-service` and `tpayd uninstall-service`: start the daemon at boot, by systemd."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.ownership import lent_by_owner
from tpayd.gateway.clients import ClientRegistry
from tpayd.kit.durable_file import replace_file
from tpayd.kit.instance import OWNER_CLIENT, Instance
from tpayd.kit.users import DEVICE_GROUPS
from tpayd.supervision.boot import BootUnit, Scope, systemd_runs, unit_text
from tpayd.supervision.daemon import launcher_pid, left_behind
from tpayd.supervision.separation import give_to, unreachable
from tpayd.supervision.systemctl import CommandFailedError, Systemctl, run

__all__ = ["install_service", "uninstall_service"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ACCOUNT = "tpayd"
_NO_SYSTEMD = (
    "this machine was not booted with systemd, so nothing was installed: after a restart nothing runs until "
    "`tpayd up`. Have your init system run `tpayd up --foreground` (--print shows how systemd would)"
)


@click.command("install-service")
@click.option("--user", "as_user_unit", is_flag=True, help="A unit of your own. Without root: always.")
@click.option("--as", "account", metavar="ACCOUNT",
              help="Give root's instance to this account, which is made where it is missing. Default: tpayd, unless "
              "each process has a user of its own (`tpayd users`).")  # fmt: skip
@click.option("--name", default="tpayd", show_default=True, help="The unit's name; one for each instance of a machine.")
@click.option("--now", is_flag=True, help="Start it too.")
@click.option("--print", "only_print", is_flag=True, help="Print the unit, and change nothing.")
@click.option("--root", type=click.Path(file_okay=False, exists=True, path_type=Path),
              help="Install into the system that lies in this directory and does not run: an image.")  # fmt: skip
@json_option
@pass_output
def install_service(
    output: Output, as_user_unit: bool, account: str | None, name: str, now: bool, only_print: bool, root: Path | None
) -> int:
    """Start the daemon of this instance (TPAYD_HOME) at boot, by a hardened systemd unit.

    As root a unit of the machine's; it runs as the instance's owner. An instance of root's is given to an account of
    its own first, for which the daemon must be stopped; or each process has a user of its own: `tpayd users separate`.

    \b
    Examples:
      sudo tpayd install-service --now
      tpayd install-service --user
      tpayd install-service --print
    """
    with lent_by_owner():
        house = open_house()
    scope = _scope(as_user_unit)
    plan = _plan(house, scope, account, name)
    text = unit_text(plan.unit)
    if only_print:
        output.result({"file": str(plan.file), "unit": text}, lambda: output.line(text.rstrip()))
        return Exit.OK
    if root is None and not systemd_runs():
        raise CommandError(_NO_SYSTEMD, Exit.FAILED, code="no_systemd")
    if root is None and plan.give and (blocked := unreachable(house.instance.home)):
        text = f"{blocked} cannot be reached by {plan.unit.user}; install tpayd and its instance where it can"
        raise CommandError(f"{text}, such as /opt/tpayd and /var/lib/tpayd", Exit.REFUSED)
    file = plan.file if root is None else root / plan.file.relative_to("/")
    systemctl = Systemctl(scope, root)
    with _failures():
        made = _hand_over(house, plan) if root is None else False
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text.encode(), 0o644)
        systemctl.reload()
        systemctl.enable(plan.unit.file_name)
        lingers = _linger(scope)
        if now and root is None:
            _not_by_hand(house)
            systemctl.start(plan.unit.file_name)
    data = {
        "instance": str(house.instance.home), "file": str(file), "scope": scope.value, "account": plan.unit.user,
        "account_made": made, "started": now and root is None, "at_boot": lingers,
    }  # fmt: skip
    output.result(data, lambda: _show(output, plan, file, data))
    return Exit.OK


@click.command("uninstall-service")
@click.option("--user", "as_user_unit", is_flag=True, help="The unit of your own. Without root: always.")
@click.option("--name", default="tpayd", show_default=True, help="The unit's name.")
@click.option("--now", is_flag=True, help="Stop it too; payments under way finish.")
@click.option("--root", type=click.Path(file_okay=False, exists=True, path_type=Path), help="As in install-service.")
@json_option
@pass_output
def uninstall_service(output: Output, as_user_unit: bool, name: str, now: bool, root: Path | None) -> int:
    """Start it at boot no more. The instance, its account and what runs stay; with --now it is stopped in order."""
    scope = _scope(as_user_unit)
    file = _place(scope) / f"{_checked(name)}.service"
    if root is not None:
        file = root / file.relative_to("/")
    if not file.exists():
        raise CommandError(f"there is no {file}; nothing was changed", Exit.REFUSED, code="not_found")
    systemctl = Systemctl(scope, root)
    with _failures():
        if now and root is None:
            systemctl.stop(file.name)
        systemctl.disable(file.name)
        file.unlink()
        systemctl.reload()
    data = {"file": str(file), "scope": scope.value, "stopped": now and root is None}
    output.result(data, lambda: output.line(f"removed {file}; after a restart nothing runs until `tpayd up`"))
    return Exit.OK


@dataclass(frozen=True)
class _Plan:
    unit: BootUnit
    file: Path
    give: bool
    """Whether the instance changes hands."""


def _plan(house: LocalHouse, scope: Scope, account: str | None, name: str) -> _Plan:
    """Raises CommandError."""
    home = house.instance.home
    owner = home.stat().st_uid
    give = False
    user: str | None = None
    if scope is Scope.SYSTEM:
        if house.instance.users is not None:
            if account is not None:
                text = "each process has a user of its own; `tpayd users join` first, or leave --as out"
                raise CommandError(text, Exit.REFUSED)
        elif owner == 0 or account is not None:
            user, give = account or _ACCOUNT, True
        else:
            user = _name_of(owner)
        if user == "root":
            text = "payments run without root's rights: choose another --as, or `tpayd users separate`"
            raise CommandError(text, Exit.REFUSED)
    elif account is not None:
        raise CommandError("--as is for root", Exit.USAGE)
    unit = BootUnit(
        _checked(name), home, _lasting_python(home), scope, user,
        groups=tuple(group for group in DEVICE_GROUPS if _has_group(group)), writable=_written_outside(house.instance),
    )  # fmt: skip
    return _Plan(unit, _place(scope) / unit.file_name, give)


def _hand_over(house: LocalHouse, plan: _Plan) -> bool:
    """Whether an account was made. Raises CommandError, CommandFailedError, OSError."""
    user = plan.unit.user
    if not plan.give or user is None:
        return False
    made = not _has_account(user)
    if not made and house.instance.home.stat().st_uid == pwd.getpwnam(user).pw_uid:
        return False
    _not_by_hand(house)
    if made:
        groups = ["--groups", ",".join(plan.unit.groups)] if plan.unit.groups else []
        run(["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", str(house.instance.home),
             "--shell", "/usr/sbin/nologin", *groups, user])  # fmt: skip
    entry = pwd.getpwnam(user)
    registry = ClientRegistry.open(house.instance)
    registry.move(OWNER_CLIENT, entry.pw_uid)
    give_to(house.instance, entry.pw_uid, entry.pw_gid)
    return made


def _linger(scope: Scope) -> bool:
    """Whether it starts at boot; an ordinary user's units do so only for one that lingers."""
    if scope is Scope.SYSTEM:
        return True
    try:
        run(["loginctl", "enable-linger"])
    except CommandFailedError:
        return False
    return True


def _show(output: Output, plan: _Plan, file: Path, data: Mapping[str, object]) -> None:
    unit = plan.unit
    whose = "your own user" if unit.scope is Scope.USER else unit.user or "root, each process with a uid of its own"
    output.line(f"installed {file}: {unit.home} starts at boot, as {whose}")
    if data["account_made"]:
        output.line(f"made the account {unit.user}, and gave it the instance")
    if not data["at_boot"]:
        text = "it starts when you log in, not at boot: as root, `loginctl enable-linger` for you changes that"
        output.line(text, style="yellow")
    systemctl = "systemctl --user" if unit.scope is Scope.USER else "systemctl"
    if not data["started"]:
        output.line(f"next: tpayd down, if it runs; then {systemctl} start {unit.name}")
    output.line(f"from now on: {systemctl} start|stop {unit.name}; tpayd uninstall-service takes it away")


def _scope(as_user_unit: bool) -> Scope:
    return Scope.USER if as_user_unit or os.geteuid() != 0 else Scope.SYSTEM


def _place(scope: Scope) -> Path:
    if scope is Scope.SYSTEM:
        return Path("/etc/systemd/system")
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()) / "systemd" / "user"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CommandError("--name: 1 to 64 letters, digits, - and _", Exit.USAGE)
    return name


def _not_by_hand(house: LocalHouse) -> None:
    if launcher_pid(house.instance) is not None or left_behind(house.instance):
        raise CommandError("the daemon runs; end it with `tpayd down` first", Exit.REFUSED, code="running")


def _lasting_python(home: Path) -> Path:
    """The one that runs this; where that is a release which an update may remove, the one in use at that time."""
    releases = home / "releases"
    if Path(sys.prefix).resolve().is_relative_to(releases):
        return releases / "current" / "bin" / "python"
    return Path(sys.executable)


def _written_outside(instance: Instance) -> tuple[Path, ...]:
    """Where signatures are kept, if not in the instance."""
    try:
        told = tomllib.loads(instance.settings_file("device_broker").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):  # the process says what is wrong with it
        return ()
    place = Path(str(told.get("signature_file", "")))
    return (place.parent,) if place.is_absolute() and not place.is_relative_to(instance.home) else ()


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise CommandError(f"the instance belongs to uid {uid}, which has no account; use --as", Exit.REFUSED) from None


def _has_account(name: str) -> bool:
    with contextlib.suppress(KeyError):
        pwd.getpwnam(name)
        return True
    return False


def _has_group(name: str) -> bool:
    with contextlib.suppress(KeyError):
        grp.getgrnam(name)
        return True
    return False


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except CommandFailedError as error:
        raise CommandError(str(error), Exit.FAILED) from error
    except OSError as error:
        raise CommandError(f"{error}; as root?", Exit.FAILED) from error

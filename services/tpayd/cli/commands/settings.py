"""`tpayd settings`: see them, change them, go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.passwords import password_file_option, password_from
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.settings_pages import FILES, Pages, fetch, files_of
from tpayd.cli.settings_view import note, short, tell_changes, tell_setting
from tpayd.cli.shape import as_json
from tpayd_client import Pos
from tpayd_client.types import ChangedSettings, SettingGroup, SettingsHistory

__all__ = ["settings"]

_file = click.argument("file", type=click.Choice(FILES))
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
_restart = click.option("--restart", "restarts", is_flag=True,
                        help="Restart the processes that need it, once no payment is under way.")  # fmt: skip
_wait = click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=60.0, show_default=True,
                     help="With --restart: seconds until it is given up.")  # fmt: skip


@click.group()
def settings() -> None:
    """See and change the store's settings [환경설정].

    A setting is named FILE.NAME: transaction.card_wait_s is `card_wait_s` in config/transaction.toml. The file's name
    may be left out where only one file has the setting. Values are written as there: 45, true, "a text", ["a", "b"].

    Changes are checked as a whole, and keep the comments of the file. Some count at once; for the others the command
    says which processes to restart. A file that was changed by hand counts at the next restart (or, for what counts at
    once, with SIGHUP).

    \b
    Examples:
      tpayd settings list transaction
      tpayd settings show card_wait_s
      tpayd settings set card_wait_s=45 transaction.signature=required --restart
      tpayd settings set store.host_profile=test --restart
      tpayd settings set fraud_cancel_prevention=false
      tpayd settings preset recommended --dry-run
      tpayd settings history transaction
      tpayd settings restore transaction 3
      tpayd settings check
    """


@settings.command("list")
@click.argument("file", type=click.Choice(FILES), required=False)
@click.option(
    "--group", type=click.Choice([group.value for group in SettingGroup]), help="Of this group of the screen."
)
@click.option("--changed", is_flag=True, help="Only those that differ from their default.")
@click.option("--korean", is_flag=True, help="Say in Korean what each is.")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway, file: str | None, group: str | None, changed: bool, korean: bool) -> None:
    """Every setting with its value, default and meaning.

    NOTE says what does not count yet (`runs with`), and how it is changed where not by `tpayd settings set`.
    """
    with open_pos(gateway) as pos:
        pages = fetch(pos, (file,) if file else FILES, on_problem=None if file else output.line)
    found = [
        (name, setting)
        for name, setting in pages
        if (group is None or setting.group.value == group) and (not changed or setting.value != setting.default)
    ]
    rows = [
        (name, short(setting.value), "-" if setting.default is None else setting.default, setting.unit,
         setting.ko if korean else setting.en, note(setting))
        for name, setting in found
    ]  # fmt: skip
    data = {"settings": [{"name": name, **as_json(setting)} for name, setting in found]}
    output.result(data, lambda: output.table(("SETTING", "VALUE", "DEFAULT", "UNIT", "MEANING", "NOTE"), rows))


@settings.command("show")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@connection_options
@json_option
@pass_output
def show(output: Output, gateway: Gateway, names: tuple[str, ...]) -> None:
    """All about some settings: meaning in both languages, limits, when a change counts."""
    with open_pos(gateway) as pos:
        pages = fetch(pos, files_of(names))
    found = [pages.setting(name) for name in names]

    def tell() -> None:
        for name, setting in found:
            tell_setting(output, name, setting)

    output.result({"settings": [{"name": name, **as_json(setting)} for name, setting in found]}, tell)


@settings.command("set")
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1, required=True)
@_dry_run
@_restart
@_wait
@password_file_option
@connection_options
@json_option
@pass_output
def set_(
    output: Output, gateway: Gateway, changes: tuple[str, ...], dry_run: bool, restarts: bool, wait_s: float,
    password_file: Path | None,
) -> int:  # fmt: skip
    """Change settings: all that are named, or none.

    Each file is changed as a whole; with settings of several files, all are checked before the first is written.
    """
    wanted = [_split(change) for change in changes]
    _look_ahead(gateway, restarts=restarts)
    with open_pos(gateway) as pos:
        pages = fetch(pos, files_of([name for name, _ in wanted]))
        bodies = _bodies(pages, wanted)
        for name, _ in wanted:
            if _needs_password(pages, name) and not dry_run:
                file, path = pages.find(name)
                bodies[file]["password"] = password_from(output, password_file, f"Settings password, for {path}")
        done = _apply(pos, "settings.change", bodies, dry_run=dry_run)
    return _end(output, gateway, done, restarts=restarts and not dry_run, wait_s=wait_s)


@settings.command("reset")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_dry_run
@_restart
@_wait
@connection_options
@json_option
@pass_output
def reset(
    output: Output, gateway: Gateway, names: tuple[str, ...], dry_run: bool, restarts: bool, wait_s: float
) -> int:
    """Put settings back to their defaults."""
    _look_ahead(gateway, restarts=restarts)
    with open_pos(gateway) as pos:
        bodies = _bodies(fetch(pos, files_of(names)), [(name, None) for name in names])
        done = _apply(pos, "settings.change", bodies, dry_run=dry_run)
    return _end(output, gateway, done, restarts=restarts and not dry_run, wait_s=wait_s)


@settings.command("preset")
@click.argument("preset", type=click.Choice(("recommended", "printed")), default="recommended")
@_dry_run
@_restart
@_wait
@connection_options
@json_option
@pass_output
def preset_(output: Output, gateway: Gateway, preset: str, dry_run: bool, restarts: bool, wait_s: float) -> int:
    """Set the client options [특수 기능(DLL 환경설정)] as the manual recommends them, or back to its printed defaults.

    \b
                                          printed  recommended
      store.client.restart_when_down      false    true
      store.client.shared                 false    true
      store.client.keep_focus             true     true
      store.console.keep_focus            true     false
      device_broker.signature_in_home     false    true
    """
    _look_ahead(gateway, restarts=restarts)
    with open_pos(gateway) as pos:
        pages = fetch(pos, ("store", "device_broker"))
        bodies = {file: {"preset": preset, "expected": page.stamp} for file, page in pages.by_file.items()}
        done = _apply(pos, "settings.preset", bodies, dry_run=dry_run)
    return _end(output, gateway, done, restarts=restarts and not dry_run, wait_s=wait_s)


@settings.command("history")
@_file
@click.option("--limit", type=click.IntRange(1, 20), default=20, show_default=True, help="Versions at most.")
@connection_options
@json_option
@pass_output
def history(output: Output, gateway: Gateway, file: str, limit: int) -> None:
    """The last versions of a file, newest first: who changed what, when. `by hand`: found in the file."""
    with open_pos(gateway) as pos:
        found = SettingsHistory.from_wire(pos.call("settings.history", {"file": file, "limit": limit}))
    rows = [
        (f"{version.number}{' *' if version.in_force else ''}", moment(version.at_ms), version.by, version.why,
         ", ".join(f"{change.path}: {change.old or '-'} -> {change.new or '-'}" for change in version.changes))
        for version in found.versions
    ]  # fmt: skip
    output.result(as_json(found), lambda: output.table(("VERSION (* = now)", "WHEN", "BY", "WHY", "CHANGES"), rows))


@settings.command("restore")
@_file
@click.argument("number", type=click.IntRange(min=1))
@_dry_run
@_restart
@_wait
@connection_options
@json_option
@pass_output
def restore(
    output: Output, gateway: Gateway, file: str, number: int, dry_run: bool, restarts: bool, wait_s: float
) -> int:
    """Put a version of `tpayd settings history` back in place, comments and all."""
    _look_ahead(gateway, restarts=restarts)
    with open_pos(gateway) as pos:
        expected = fetch(pos, (file,)).by_file[file].stamp
        done = _apply(pos, "settings.restore", {file: {"number": number, "expected": expected}}, dry_run=dry_run)
    return _end(output, gateway, done, restarts=restarts and not dry_run, wait_s=wait_s)


@settings.command("check")
@json_option
@pass_output
def check(output: Output) -> int:
    """Check every settings file of this machine's instance, also while nothing runs. Exit status 2 if one is wrong."""
    from tpayd.cli.settings_check import check_files  # noqa: PLC0415  needs the store's packages
    from tpayd.kit.instance import Instance, InstanceError  # noqa: PLC0415

    try:
        checked = check_files(Instance.open(create=False))
    except InstanceError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    wrong = [one for one in checked if one.problem]

    def tell() -> None:
        for one in checked:
            output.line(f"config/{one.file}.toml: {one.problem or 'good'}", style="red" if one.problem else None)
            for doubt in one.doubts:
                output.line(f"config/{one.file}.toml: {doubt}", style="yellow")

    output.result({"good": not wrong, "files": [as_json(one) for one in checked]}, tell)
    return Exit.USAGE if wrong else Exit.OK


def _split(change: str) -> tuple[str, str]:
    name, equals, value = change.partition("=")
    if not equals:
        raise CommandError(f"{change} is not NAME=VALUE, e.g. card_wait_s=45", Exit.USAGE, code="usage")
    return name.strip(), value.strip()


def _bodies(pages: Pages, wanted: Sequence[tuple[str, str | None]]) -> dict[str, dict[str, Any]]:
    """One request for each file, with the stamp of what was looked at."""
    bodies: dict[str, dict[str, Any]] = {}
    for name, value in wanted:
        file, path = pages.find(name)
        body = bodies.setdefault(file, {"changes": [], "expected": pages.by_file[file].stamp})
        body["changes"].append({"path": path, "value": value})
    return bodies


def _needs_password(pages: Pages, name: str) -> bool:
    full = ".".join(pages.find(name))
    return any(setting.needs_password for known, setting in pages if known == full)


def _apply(pos: Pos, op: str, bodies: Mapping[str, Mapping[str, Any]], *, dry_run: bool) -> list[ChangedSettings]:
    """Each file's request; with several files, all are tried before the first is written."""

    def each(dry: bool) -> list[ChangedSettings]:
        return [
            ChangedSettings.from_wire(pos.call(op, {"file": file, **body, "dry_run": dry}))
            for file, body in bodies.items()
        ]

    if len(bodies) > 1 and not dry_run:
        each(True)
    return each(dry_run)


def _end(output: Output, gateway: Gateway, done: list[ChangedSettings], *, restarts: bool, wait_s: float) -> int:
    needed = [name for changed in done for name in changed.restart]
    services = list(dict.fromkeys(needed))

    if restarts and services:
        _restart_now(output, gateway, services, wait_s)
    data = {"changed": [as_json(changed) for changed in done], "restarted": services if restarts else []}
    output.result(data, lambda: tell_changes(output, done, services, restarted=restarts))
    return Exit.OK


def _look_ahead(gateway: Gateway, *, restarts: bool) -> None:
    """Refuse --restart where it cannot be done, before anything is changed. Raises CommandError."""
    if not restarts:
        return
    if gateway.key_file is not None:
        raise CommandError("--restart works on the store's own machine only", Exit.USAGE, code="usage")
    from tpayd.cli.house import open_house  # noqa: PLC0415  needs the store's packages
    from tpayd.cli.restarting import can_restart  # noqa: PLC0415

    can_restart(open_house())


def _restart_now(output: Output, gateway: Gateway, services: list[str], wait_s: float) -> None:
    from tpayd.cli.house import open_house  # noqa: PLC0415  needs the store's packages
    from tpayd.cli.restarting import restart  # noqa: PLC0415

    def under_way() -> int:
        with open_pos(gateway) as pos:
            return int(pos.call("payment.pending", {})["under_way"])

    restart(output, open_house(), services, under_way, wait_s)

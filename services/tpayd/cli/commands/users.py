"""`tpayd users`: a user of its own for each process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.instance import Instance, InstanceError
from tpayd.kit.users import DEFAULT_FIRST_UID
from tpayd.supervision.daemon import launcher_pid, left_behind
from tpayd.supervision.separation import join as join_users
from tpayd.supervision.separation import separate as separate_users

__all__ = ["users"]


@click.group()
def users() -> None:
    """Give each process of an instance of root's a uid of its own, and show them.

    A process that is broken into can then read and pretend to be nobody but itself. The daemon must be stopped.

    \b
    Examples:
      sudo tpayd users separate
      sudo tpayd users show
    """


@users.command()
@json_option
@pass_output
def show(output: Output) -> int:
    """Show under which uid each process runs."""
    house = open_house()
    output.result(_data(house), lambda: _show(output, house))
    return Exit.OK


@users.command()
@click.option("--first-uid", type=int, default=DEFAULT_FIRST_UID, show_default=True,
              help="The house's group, and first of 32 uids; another one for each instance of a machine.")  # fmt: skip
@json_option
@pass_output
def separate(output: Output, first_uid: int) -> int:
    """Give each process a uid of its own, from the next `tpayd up` on. Again, it mends owners and modes."""
    return _changed(output, lambda instance: separate_users(instance, first_uid))


@users.command()
@json_option
@pass_output
def join(output: Output) -> int:
    """Have all processes run as root again, from the next `tpayd up` on."""
    return _changed(output, join_users)


def _changed(output: Output, change: Callable[[Instance], Instance]) -> int:
    house = open_house()
    _must_be_down(house)
    try:
        changed = replace(house, instance=change(house.instance))
    except InstanceError as error:
        raise CommandError(str(error), Exit.REFUSED) from error
    except OSError as error:
        raise CommandError(f"{error}; begin again once that is mended", Exit.FAILED) from error
    output.result(_data(changed), lambda: _show(output, changed))
    return Exit.OK


def _must_be_down(house: LocalHouse) -> None:
    if launcher_pid(house.instance) is not None or left_behind(house.instance):
        raise CommandError("the daemon runs; end it with `tpayd down` first", Exit.REFUSED, code="running")


def _data(house: LocalHouse) -> dict[str, object]:
    told = house.instance.users
    numbers = {program.name: told.uid(program.name) for program in house.programs} if told else {}
    return {
        "instance": str(house.instance.home),
        "separate": told is not None,
        "gid": told and told.gid,
        "uids": numbers,
    }


def _show(output: Output, house: LocalHouse) -> None:
    told = house.instance.users
    if told is None:
        output.line("all processes run as whoever starts them; `tpayd users separate` gives each a uid of its own")
        return
    output.line(f"group of the house: {told.gid}; launcher, supervisord and watchdog run as root")
    rows = [(program.name, str(told.uid(program.name))) for program in house.programs]
    output.table(("PROCESS", "UID"), rows)

"""`tpayd client`: the POS clients that may connect."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.gateway.clients import ALL_LANES, Client, ClientRegistry
from tpayd.gateway.errors import ClientExistsError, NoSuchClientError, RegistryError
from tpayd_contracts.operation import Right

__all__ = ["client"]

T = TypeVar("T")


@click.group()
def client() -> None:
    """Add, list and remove the POS clients that may connect. Changes count at once, on live connections too.

    \b
    Examples:
      tpayd client add till-1 --lane 1
      tpayd client add office --lane '*' --right admin
      tpayd client remove till-1
    """


@client.command()
@click.argument("name")
@click.option("--lane", "lanes", multiple=True, required=True, metavar="LANE",
              help="A lane that it may act for; may be repeated. '*' (admin only): all.")  # fmt: skip
@click.option("--right", type=click.Choice([right.value for right in Right]), default=Right.POS.value,
              show_default=True, help="What it may do.")  # fmt: skip
@click.option("--local", is_flag=True, help="It also needs no key on this machine, when run by you.")
@json_option
@pass_output
def add(output: Output, name: str, lanes: tuple[str, ...], right: str, local: bool) -> int:
    """Register a client and write its key file, to be carried to its machine and deleted here.

    There, name the file: `tpayd sale 11000 --key-file till-1.key`, or connect(key_file=…) in Python.
    """
    house = open_house()
    if unknown := [lane for lane in lanes if lane != ALL_LANES and house.store.lane(lane) is None]:
        known = ", ".join(lane.name for lane in house.store.lanes)
        raise CommandError(f"no lane {', '.join(unknown)} in config/store.toml; there are: {known}", Exit.USAGE)
    local_uid = os.geteuid() if local else None
    key_file = _registered(lambda: ClientRegistry.open(house.instance).add(name, lanes, Right(right), local_uid))
    data = {"client": name, "lanes": list(lanes), "right": right, "local_uid": local_uid, "key_file": str(key_file)}

    def show() -> None:
        output.line(f"added {name}; its key file, for its eyes only: {key_file}")
        output.line("carry the file to the client's machine and delete it here")

    output.result(data, show)
    return Exit.OK


@client.command("list")
@json_option
@pass_output
def list_(output: Output) -> int:
    """Every client with its lanes and its right."""
    clients = _registered(lambda: ClientRegistry.open(open_house().instance).list())
    data = {"clients": [_as_json(name, each) for name, each in clients.items()]}
    output.result(
        data,
        lambda: output.table(
            ("CLIENT", "LANES", "RIGHT", "WITHOUT KEY", "PUBLIC KEY"),
            [_row(name, each) for name, each in clients.items()],
        ),
    )
    return Exit.OK


@client.command()
@click.argument("name")
@json_option
@pass_output
def remove(output: Output, name: str) -> int:
    """Take a client off the list; its connections end within a second."""
    _registered(lambda: ClientRegistry.open(open_house().instance).remove(name))
    output.result({"client": name, "removed": True}, lambda: output.line(f"removed {name}"))
    return Exit.OK


def _registered(act: Callable[[], T]) -> T:
    try:
        return act()
    except NoSuchClientError as error:
        raise CommandError(str(error), Exit.REFUSED, code="not_found") from error
    except ClientExistsError as error:
        raise CommandError(str(error), Exit.REFUSED, code="exists") from error
    except RegistryError as error:
        raise CommandError(str(error), Exit.USAGE, code="registry") from error


def _row(name: str, each: Client) -> tuple[str, ...]:
    without_key = "-" if each.local_uid is None else f"uid {each.local_uid}"
    return (name, "all" if each.every_lane else ", ".join(each.lanes), each.right.value, without_key, each.public_key)


def _as_json(name: str, each: Client) -> dict[str, object]:
    return {
        "client": name,
        "lanes": list(each.lanes),
        "right": each.right.value,
        "local_uid": each.local_uid,
        "public_key": each.public_key,
    }

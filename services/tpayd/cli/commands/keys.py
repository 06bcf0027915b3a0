"""`tpayd keys`: exchange keys with the host, and list them."""

from __future__ import annotations

import contextlib
import time
from datetime import datetime

import click

from tpayd.cli.commands.key_audit import audit
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import NotNow, Pos, TpaydError
from tpayd_client.types import DeviceState, ErrorCode, ExchangeProgress, KeyInfo, LineState

__all__ = ["keys"]

_CLOCK_OFF_S = 3600
_LOOK_EVERY_S = 0.2


@click.group()
def keys() -> None:
    """Exchange keys with the card host, list them, and check their audit chain. No command shows a key.

    A key lives 3 years from its exchange. The first one of each terminal and reader is exchanged by hand; later ones
    come by themselves, at a quiet hour within the last 30 days, and warnings are given 90, 30 and 7 days ahead. Where a
    key has expired, its reader serves no customer until it is exchanged; other readers serve its lanes.

    \b
    Examples:
      tpayd keys exchange --all
      tpayd keys exchange --reader reader-1
      tpayd keys list
      tpayd keys audit verify
    """


keys.add_command(audit)


@keys.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> None:
    """Every key by its check value, with its state, the day it expires, and what is wrong with it."""
    with open_pos(gateway) as pos:
        found = pos.keys()

    def show() -> None:
        _table(output, sorted(found.keys, key=lambda key: (key.usage, key.profile, key.owner, key.injected_at_ms or 0)))
        if found.time is not None and not found.time.from_host:
            output.line("the card host has not told its time yet: dates are counted from this machine's clock")
        elif found.time is not None and abs(ahead_s := found.time.machine_ahead_s or 0) > _CLOCK_OFF_S:
            way = "ahead of" if ahead_s > 0 else "behind"
            hours = abs(ahead_s) // 3600
            output.line(
                f"this machine's clock is {hours} h {way} the card host's, by which keys expire", style="yellow"
            )

    output.result(as_json(found), show)


@keys.command()
@click.option("--all", "everything", is_flag=True, help="Every terminal and every reader that is connected.")
@click.option("--reader", "readers", multiple=True, metavar="NAME", help="This reader; may be repeated.")
@click.option("--terminal", "terminals", multiple=True, metavar="ID", help="This terminal id; may be repeated.")
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), default=30.0, show_default=True,
              help="Seconds to wait for gateway, host line and readers first.")  # fmt: skip
@connection_options
@json_option
@pass_output
def exchange(
    output: Output,
    gateway: Gateway,
    everything: bool,
    readers: tuple[str, ...],
    terminals: tuple[str, ...],
    wait_s: float,
) -> int:
    """Bring new keys from the card host, mutually proven. They are valid for 3 years.

    A key that fails leaves the one in use as it is; the others are exchanged all the same (exit status 8 then). A
    reader that serves a customer is waited for. Afterwards compare the check values with those that your acquirer sees.

    \b
    Examples:
      tpayd keys exchange --all
      tpayd keys exchange --reader reader-1 --terminal TPAY0001
    """
    if not (everything or readers or terminals):
        raise click.UsageError("name what to exchange: --all, --reader NAME or --terminal ID")
    done: list[KeyInfo] = []
    failed: list[dict[str, str]] = []
    deadline = time.monotonic() + wait_s
    _wait_for_gateway(output, gateway, deadline)
    with open_pos(gateway) as pos:
        _wait_for_edges(output, pos, deadline)
        if everything:
            terminals = (*terminals, *_terminals())
            readers = (*readers, *(device.name for device in pos.devices().devices if device.reader_id))
        wanted = [("terminal", each) for each in terminals] + [("reader", each) for each in readers]
        for number, (kind, name) in enumerate(wanted, start=1):
            try:
                done.append(_exchange(output, pos, kind, name, f"{number} of {len(wanted)}", deadline))
            except TpaydError as error:
                output.line(f"{kind} {name}: {error.message}", style="red")
                failed.append({kind: name, "code": error.code.value, "message": error.message})
    data = {"keys": as_json(done), "failed": failed}
    output.result(data, lambda: _table(output, done))
    return Exit.FAILED if failed else Exit.OK


def _wait_for_gateway(output: Output, gateway: Gateway, deadline: float) -> None:
    """A daemon that has just been started is not connected to yet."""
    with output.waiting("waiting for the gateway"):
        while True:
            try:
                with open_pos(gateway):
                    return
            except CommandError as error:
                if error.status is not Exit.NOT_RUNNING or time.monotonic() > deadline:
                    raise


def _wait_for_edges(output: Output, pos: Pos, deadline: float) -> None:
    """Until the host line is signed on and no reader is still starting; what is missing then fails by itself."""
    with output.waiting("waiting for host line and readers"):
        while time.monotonic() < deadline:
            with contextlib.suppress(NotNow):
                lines, found = pos.host_status().lines, pos.devices().devices
                signed_on = any(line.state is LineState.SIGNED_ON for line in lines)
                if signed_on and not any(device.state is DeviceState.STARTING for device in found):
                    return
            time.sleep(_LOOK_EVERY_S)


def _exchange(output: Output, pos: Pos, kind: str, name: str, place: str, deadline: float) -> KeyInfo:
    """One key. Processes that were just started find one another by and by: until the deadline it is tried again."""
    with output.waiting(f"{place}: {kind} {name}: key exchange") as update:

        def show(progress: ExchangeProgress) -> None:
            update(f"{place}: {kind} {name}: {progress.text}")

        exchange_key = pos.exchange_terminal_key if kind == "terminal" else pos.exchange_reader_key
        while True:
            try:
                return exchange_key(name, on_progress=show)
            except TpaydError as error:
                if error.code is not ErrorCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK_EVERY_S)


def _terminals() -> tuple[str, ...]:
    """The terminal ids of the store on this machine; its settings are the one place that knows them all."""
    try:
        from tpayd.cli.house import open_house  # noqa: PLC0415 (a lane's PC does not have it)
    except ModuleNotFoundError:
        raise CommandError("on a lane's PC, name each terminal: --terminal ID", Exit.USAGE) from None
    return tuple(lane.terminal_id for lane in open_house().store.lanes)


def _table(output: Output, found: tuple[KeyInfo, ...] | list[KeyInfo]) -> None:
    columns = ("USAGE", "OWNER", "PROFILE", "STATE", "CHECK VALUE", "EXPIRES", "DAYS", "READER", "NOTE")
    output.table(columns, [_row(key) for key in found])


def _row(key: KeyInfo) -> tuple[str, ...]:
    expires = datetime.fromtimestamp(key.expires_at_ms / 1000).astimezone().date() if key.expires_at_ms else "-"
    return (
        key.usage.value,
        key.owner,
        key.profile,
        key.state.value,
        key.check_value,
        str(expires),
        "-" if key.days_left is None else str(key.days_left),
        key.device or "-",
        key.note,
    )

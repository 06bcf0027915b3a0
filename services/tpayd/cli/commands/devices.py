"""`tpayd devices`: the card readers."""

from __future__ import annotations

import click

from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import Device

__all__ = ["COLUMNS", "devices", "row"]

COLUMNS = ("READER", "STATE", "MODEL", "SERIAL", "CAN", "FOR", "PORT", "NOTE")


@click.group()
def devices() -> None:
    """List the card readers.

    \b
    Example:
      tpayd devices list
    """


@devices.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> None:
    """Every reader as the daemon sees it now, and why one is not ready."""
    with open_pos(gateway) as pos:
        found = pos.devices()
    output.result(as_json(found), lambda: output.table(COLUMNS, [row(device) for device in found.devices]))


@devices.command()
@click.argument("name")
@click.option("--on/--off", "on", default=None, required=True, help="Keep it from payments, or give it back.")
@click.option("--reason", default="", help="Why, for whoever finds it so.")
@connection_options
@json_option
@pass_output
def maintenance(output: Output, gateway: Gateway, name: str, on: bool, reason: str) -> None:
    """Keep a reader from payments while somebody works on it. A payment that uses it finishes first.

    \b
    Examples:
      tpayd devices maintenance reader-2 --on --reason 'new card slot'
      tpayd devices maintenance reader-2 --off
    """
    with open_pos(gateway) as pos:
        device = pos.maintenance(name, on=on, reason=reason)
    output.result(as_json(device), lambda: output.table(COLUMNS, [row(device)]))


def row(device: Device) -> tuple[str, ...]:
    """One reader as a line of the table."""
    return (
        device.name,
        device.state.value + (f" by lane {device.leased_to}" if device.leased_to else ""),
        device.model or "-",
        device.serial_number or "-",
        ", ".join(ability.value for ability in device.abilities) or "-",
        f"lane {device.lane}" if device.lane else f"pool {device.pool}" if device.pool else "nobody",
        device.port,
        "; ".join((*(bar.why for bar in device.bars), device.detail or "")).removesuffix("; "),
    )

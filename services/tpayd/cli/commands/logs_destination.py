"""`tpayd logs check-destination`: would a bundle reach the vendor's server?"""

from __future__ import annotations

import asyncio

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.settings import SettingsError, load
from tpayd.log_shipper.delivery import DeliveryError
from tpayd.log_shipper.delivery.checking import Checked, check_destination
from tpayd.log_shipper.settings import LogShipperSettings

__all__ = ["check_destination_command"]


@click.command("check-destination")
@json_option
@pass_output
def check_destination_command(output: Output) -> int:
    """Try the vendor's server as config/log_shipper.toml has it: connection, identity, login, and a file written there.

    It shows the host key (or certificate) to be pinned: compare it with what the vendor tells you on another way. A
    server that shows another one is told nothing. The daemon need not run. Exit status 1: no bundle would be delivered.
    """
    instance = open_house().instance
    try:
        settings = load(instance.settings_file("log_shipper"), LogShipperSettings)
        with output.waiting("trying the vendor's server"):
            checked = asyncio.run(check_destination(settings.destination, instance.home))
    except (SettingsError, DeliveryError) as error:
        raise CommandError(str(error), Exit.USAGE) from error
    output.result(_as_json(checked), lambda: _show(output, checked))
    return Exit.OK if checked.ok else Exit.NO


def _as_json(checked: Checked) -> dict[str, object]:
    identity = checked.identity
    pin = None if identity is None else {"setting": identity.setting, "value": identity.value}
    steps = [{"step": step.name.value, "ok": step.ok, "detail": step.detail} for step in checked.steps]
    return {"url": checked.url, "ok": checked.ok, "steps": steps, "shown": pin}


def _show(output: Output, checked: Checked) -> None:
    output.line(checked.url)
    for step in checked.steps:
        output.line(f"  {step.name.value:<11} {'ok' if step.ok else 'FAILED'}: {step.detail}")
    identity = checked.identity
    if identity is not None and not identity.trusted:
        name = identity.setting.rpartition(".")[2]
        output.line("")
        output.line("If it is the vendor's, put this into config/log_shipper.toml under [destination]:")
        output.line(f'{name} = ["{identity.value}"]')

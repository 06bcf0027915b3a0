"""`tpayd sandbox updates`: have the sandbox's server of releases fail."""

from __future__ import annotations

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.shape import as_json
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox_updates import (
    UPDATES_SET,
    UPDATES_STATUS,
    SetUpdatesServer,
    UpdatesBehaviour,
    UpdatesFault,
    UpdatesServerStatus,
)

__all__ = ["sandbox_house", "updates"]

_SERVER = "sandbox_updates"


@click.command()
@click.argument("fault", type=click.Choice([fault.value for fault in UpdatesFault]), required=False)
@click.option("--only", default="*", show_default=True, metavar="PATHS", help="E.g. 'targets/wheels/*'; * is anything.")
@click.option("--at-bytes", type=click.IntRange(min=0), default=0, help="Where 'cut' ends and 'flipped' changes a bit.")
@click.option("--bytes-per-s", type=click.IntRange(1, 1_000_000), default=20, show_default=True, help="Of 'drip'.")
@click.option(
    "--times", type=click.IntRange(min=0), default=0, help="Serve well again after so many requests; 0: never."
)
@json_option
@pass_output
def updates(output: Output, fault: str | None, only: str, at_bytes: int, bytes_per_s: int, times: int) -> int:
    """Show the server of releases, or have it fail with FAULT.

    \b
    Examples:
      tpayd sandbox updates cut --only 'targets/wheels/*' --at-bytes 500000 --times 1
      tpayd sandbox updates flipped --only 'targets/*'
      tpayd sandbox updates none
    """
    house = sandbox_house()
    if fault is None:
        status = house.ask(_SERVER, UPDATES_STATUS, Empty())
    else:
        behaviour = UpdatesBehaviour(UpdatesFault(fault), only, at_bytes, bytes_per_s, times)
        status = house.ask(_SERVER, UPDATES_SET, SetUpdatesServer(behaviour))
    output.result(as_json(status), lambda: _show(output, status))
    return Exit.OK


def sandbox_house() -> LocalHouse:
    """The instance, if it is a sandbox. Raises CommandError."""
    house = open_house()
    if not house.store.sandbox:
        raise CommandError(f"{house.instance.home} is not a sandbox", Exit.REFUSED, code="not_sandbox")
    return house


def _show(output: Output, status: UpdatesServerStatus) -> None:
    behaviour = status.behaviour
    extra = [f"only for {behaviour.only}"] if behaviour.only != "*" else []
    extra += [f"for {behaviour.times} requests"] if behaviour.times else []
    output.line(f"releases at {status.url}: {', '.join([behaviour.fault.value, *extra])}")
    output.line(f"out of {status.directory}, {status.requests} requests so far")

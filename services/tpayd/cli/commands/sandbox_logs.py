"""`tpayd sandbox logs`: have the sandbox's server for log bundles fail."""

from __future__ import annotations

import click

from tpayd.cli.commands.sandbox_updates import sandbox_house
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.shape import as_json
from tpayd_contracts.operation import Empty
from tpayd_contracts.sandbox_logs import (
    LOGS_SERVER_SET,
    LOGS_SERVER_STATUS,
    LogsBehaviour,
    LogsFault,
    LogsServerStatus,
    SetLogsServer,
)

__all__ = ["logs"]

_SERVER = "sandbox_logs"


@click.command()
@click.argument("fault", type=click.Choice([fault.value for fault in LogsFault]), required=False)
@click.option("--at-bytes", type=click.IntRange(min=0), default=0, help="Of 'cut', 'silent', 'full' and 'wrong_size'.")
@click.option("--times", type=click.IntRange(min=0), default=0, help="Be well again after so many cuts; 0: never.")
@json_option
@pass_output
def logs(output: Output, fault: str | None, at_bytes: int, times: int) -> int:
    """Show the server that log bundles go to, or have it fail with FAULT.

    \b
    Examples:
      tpayd sandbox logs cut --at-bytes 20000 --times 3
      tpayd sandbox logs full
      tpayd sandbox logs none
    """
    house = sandbox_house()
    if fault is None:
        status = house.ask(_SERVER, LOGS_SERVER_STATUS, Empty())
    else:
        behaviour = LogsBehaviour(LogsFault(fault), at_bytes, times)
        status = house.ask(_SERVER, LOGS_SERVER_SET, SetLogsServer(behaviour))
    output.result(as_json(status), lambda: _show(output, status))
    return Exit.OK


def _show(output: Output, status: LogsServerStatus) -> None:
    behaviour = status.behaviour
    extra = [f"at {behaviour.at_bytes} bytes"] if behaviour.at_bytes else []
    extra += [f"{behaviour.times} times"] if behaviour.times else []
    output.line(f"log bundles go to {status.url}: {', '.join([behaviour.fault.value, *extra])}")
    output.line(f"{status.connections} connections so far; in {status.directory}:")
    for file in status.files:
        output.line(f"  {file}")

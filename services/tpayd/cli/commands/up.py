"""`tpayd up`: start the daemon."""

from __future__ import annotations

import os

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.kit.instance import InstanceError
from tpayd.supervision.conf import write_conf
from tpayd.supervision.daemon import DaemonError, launcher_command, launcher_pid, settle_places, start

__all__ = ["up"]


@click.command()
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), is_flag=False, flag_value=60.0, default=None,
              help="Then wait until all is ready, 60 s unless a number of seconds is given.")  # fmt: skip
@click.option("--foreground", is_flag=True, help="Stay in the foreground, for systemd; ends with SIGTERM.")
@json_option
@pass_output
def up(output: Output, wait_s: float | None, foreground: bool) -> int:
    """Start the daemon of this instance (TPAYD_HOME) in the background. Does nothing if it runs.

    \b
    Examples:
      tpayd up --wait
      tpayd up --foreground
    """
    house = open_house()
    pid = launcher_pid(house.instance)
    already = pid is not None
    try:
        if foreground and already:
            text = f"the daemon runs already, under launcher {pid}; end it with `tpayd down` first"
            raise CommandError(text, Exit.REFUSED, code="running")
        if foreground:
            settle_places(house.instance)
            write_conf(house.instance, house.programs)
            command = launcher_command(house.instance)
            os.execv(command[0], command)  # noqa: S606 (a list of arguments; the launcher takes this process over)
        if not already:
            start(house.instance, house.programs)
    except InstanceError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    except DaemonError as error:
        raise CommandError(str(error), Exit.FAILED) from error
    pid = launcher_pid(house.instance)
    data = {"instance": str(house.instance.home), "launcher_pid": pid, "already_running": already}
    if wait_s is not None:
        # Imported while the daemon starts.
        from tpayd.cli.commands.wait_ready import wait_until_ready  # noqa: PLC0415

        wait_until_ready(output, house, wait_s)
    output.result(data, lambda: output.line(f"{'runs already' if already else 'started'}: {house.instance.home}"))
    return Exit.OK

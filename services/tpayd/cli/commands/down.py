"""`tpayd down`: end the daemon in order."""

from __future__ import annotations

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import Supervisor, SupervisorGoneError
from tpayd.supervision.daemon import DaemonError, end, launcher_pid, left_behind

__all__ = ["down"]


@click.command()
@click.option("--limit", "limit_s", type=click.FloatRange(min=0), default=180.0, show_default=True,
              help="Seconds until what is left is killed.")  # fmt: skip
@json_option
@pass_output
def down(output: Output, limit_s: float) -> int:
    """End the daemon of this instance, the gateway first; payments under way finish. Nothing stays behind.

    Exit status 6 if something had to be killed at the limit.
    """
    instance = open_house().instance
    running = launcher_pid(instance) is not None or bool(left_behind(instance))
    in_order = True
    if running:
        names = _names(Supervisor(socket_file(instance)))
        with output.waiting("ending") as update:

            def look() -> None:
                alive = [names.get(pid, str(pid)) for pid in left_behind(instance)]
                if alive and output.live:
                    update(f"ending: {', '.join(alive)}")

            try:
                in_order = end(instance, limit_s, look)
            except DaemonError as error:
                raise CommandError(str(error), Exit.FAILED) from error
    words = "did not run" if not running else "ended; no process is left" if in_order else "killed at the limit"
    data = {"instance": str(instance.home), "was_running": running, "in_order": in_order}
    output.result(data, lambda: output.line(words))
    return Exit.OK if in_order else Exit.TIMEOUT


def _names(supervisor: Supervisor) -> dict[int, str]:
    """Process ids by name, as long as supervisor still tells."""
    try:
        return {process.pid: process.name for process in supervisor.processes() if process.pid}
    except SupervisorGoneError:
        return {}

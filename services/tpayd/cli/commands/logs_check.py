"""`tpayd logs check` and `scrub`: the proof that no card data is in the logs, and what to do where some is."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.log_shipper.packing import Wanted, Work, prove
from tpayd.log_shipper.scrubbing import scrubbed

__all__ = ["check", "scrub"]


@click.command()
@click.argument("services", nargs=-1)
@json_option
@pass_output
def check(output: Output, services: tuple[str, ...]) -> int:
    """Look through the logs of SERVICES, else of all, for card numbers, tracks, secrets and keys.

    It says file, line and kind, never the value. Exit status 1 if something is found. The same proof stops a bundle.
    """
    directory = open_house().instance.log
    with output.waiting("looking through the logs"):
        found, size_bytes = prove(Wanted(directory, services), Work())
    findings = [{"file": one.file, "line": one.line, "kinds": [kind.value for kind in one.kinds]} for one in found]

    def show() -> None:
        for one in found:
            output.line(str(one), style="red")
        output.line(f"{len(found)} findings in {size_bytes / 1_000_000:.1f} MB of logs")

    output.result({"bytes": size_bytes, "findings": findings}, show)
    return Exit.NO if found else Exit.OK


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
@pass_output
def scrub(output: Output, files: tuple[str, ...]) -> int:
    """Write over what `tpayd logs check` finds in these log files, in place; all other lines stay as they are.

    A process may go on writing to its file meanwhile. Tell the vendor first which lines they were: a card number in a
    log is a fault of the daemon.
    """
    directory = open_house().instance.log
    done: dict[str, int] = {}
    for name in files:
        path = directory / Path(name).name
        try:
            done[path.name] = scrubbed(path)
        except OSError as error:
            text = f"{path}: {error.strerror}; name a file of `tpayd logs check`"
            raise CommandError(text, Exit.USAGE, code="usage") from error

    def show() -> None:
        for name, lines in done.items():
            output.line(f"{name}: {lines} lines written over")

    output.result({"scrubbed": done}, show)
    return Exit.OK

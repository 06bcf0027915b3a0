"""`tpayd membership`: read a membership card."""

from __future__ import annotations

import click

from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.paying import step_words
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos

__all__ = ["membership"]


@click.command()
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=1), default=120.0, help="Seconds for all of it.")
@connection_options
@json_option
@pass_output
def membership(output: Output, gateway: Gateway, lane: str | None, timeout_s: float) -> int:
    """Have a membership card [멤버십] read and print its number. Nothing is paid, and nothing kept.

    \b
    Examples:
      tpayd membership
      tpayd membership --lane 2 --json

    Exit status: 0 read, 8 not: no card in time, or none that is a membership card.
    """
    with open_pos(gateway) as pos, output.steps() as show:
        chosen = lane_or_first(lane, pos.connect())
        card = pos.membership(chosen, on_progress=lambda step: show(step_words(step)), timeout_s=timeout_s)
    output.result({"number": card.number}, lambda: output.line(f"membership number {card.number}"))
    return Exit.OK

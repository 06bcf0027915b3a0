"""`tpayd totals`: what a business day amounts to, so far."""

from __future__ import annotations

import click

from tpayd.cli.closing_view import show_totals
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json

__all__ = ["totals"]


@click.command()
@click.option("--day", "business_day", metavar="YYYYMMDD", help="Default: the present business day.")
@connection_options
@json_option
@pass_output
def totals(output: Output, gateway: Gateway, business_day: str | None) -> int:
    """Totals of a business day by lane, terminal and kind, as the store's book has them now. Asks no host.

    \b
    Examples:
      tpayd totals
      tpayd totals --day 20260302 --json
    """
    with open_pos(gateway) as pos:
        found = pos.totals(business_day)
    output.result(as_json(found), lambda: show_totals(output, found))
    return Exit.OK

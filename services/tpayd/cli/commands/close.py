"""`tpayd close`: compare a business day with the card host and the tills, and keep the report."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.closing_view import show_report, write_csv
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import Balance, CloseReport

__all__ = ["close"]

_csv = click.option("--csv", "csv_file", type=click.Path(dir_okay=False, writable=True, path_type=Path),
                    help="Write the report's lines to this file as well.")  # fmt: skip


@click.command()
@click.option("--day", "business_day", metavar="YYYYMMDD", help="Default: the present business day.")
@click.option("--show", "number", type=click.IntRange(min=0), is_flag=False, flag_value=0, default=None,
              help="Show a former close instead: the day's last one, or its close of this number.")  # fmt: skip
@_csv
@connection_options
@json_option
@pass_output
def close(output: Output, gateway: Gateway, business_day: str | None, number: int | None, csv_file: Path | None) -> int:
    """Close a business day [마감]: add it up, compare every terminal with the card host, keep the report.

    Payments go on meanwhile. What has no end yet is listed as open and carried over; close again when it has one.

    \b
    Examples:
      tpayd close
      tpayd close --day 20260302 --csv close.csv
      tpayd close --show

    Exit status: 0 every terminal is balanced, 1 there are differences, 3 a terminal could not be compared.
    """
    with open_pos(gateway) as pos, output.steps() as show:
        if number is not None:
            report = pos.close_report(business_day, number or None)
        else:
            report = pos.close_business(business_day, on_progress=lambda step: show(step.text))
    if csv_file is not None:
        with csv_file.open("w", encoding="utf-8", newline="") as to:
            write_csv(report, to)
    output.result(as_json(report), lambda: show_report(output, report))
    return exit_of(report)


def exit_of(report: CloseReport) -> int:
    """What a script can act on."""
    return {Balance.BALANCED: Exit.OK, Balance.DIFFERENT: Exit.NO}.get(report.balance, Exit.UNKNOWN)

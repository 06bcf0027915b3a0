"""`tpayd doctor`: what is wrong with this store, and what to do."""

from __future__ import annotations

import click
from rich.text import Text

from tpayd.cli.doctor.finding import Finding, Level
from tpayd.cli.doctor.look import look_at
from tpayd.cli.doctor.table import examine, worst
from tpayd.cli.exits import Exit
from tpayd.cli.house import open_house
from tpayd.cli.output import Output, json_option, pass_output

__all__ = ["doctor"]

_STYLES = {Level.OK: "green", Level.NOTE: "", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also what is in order.")
@json_option
@pass_output
def doctor(output: Output, everything: bool) -> int:
    """Look at everything that this store needs, and say what to do about what is wrong.

    Changes nothing, needs no root, and works while the store is down as well. Exit status 1 if there is a problem;
    warnings and notes are none.

    \b
    Examples:
      tpayd doctor
      tpayd doctor --json | jq '.findings[] | select(.level == "problem")'
    """
    with output.waiting("examining the store"):
        look = look_at(open_house())
        findings = examine(look)
    level = worst(findings)
    counts = {each.value: sum(finding.level is each for finding in findings) for each in Level}
    data = {
        "level": level.value, "running": look.running, "counts": counts,
        "findings": [
            {"check": each.check, "level": each.level.value, "text": each.text, "todo": each.todo} for each in findings
        ],
    }  # fmt: skip

    def show() -> None:
        for finding in findings:
            if everything or finding.level is not Level.OK:
                _show(output, finding)
        output.line(f"{counts['ok']} in order, {counts['note']} notes, {counts['warning']} warnings, "
                    f"{counts['problem']} problems")  # fmt: skip

    output.result(data, show)
    return Exit.NO if level is Level.PROBLEM else Exit.OK


def _show(output: Output, finding: Finding) -> None:
    line = Text()
    line.append(f"{finding.level.value:8}", style=_STYLES[finding.level])
    line.append(f"{finding.check:12}")
    line.append(finding.text)
    output.line(line)
    if finding.todo:
        output.line(f"{'':20}{finding.todo}")

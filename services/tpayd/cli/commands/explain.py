"""`tpayd explain`: the story of one payment."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.text import Text

from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_logs import lines_about
from tpayd.cli.payment_view import show_payment
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import Pos, TpaydError, Welcome
from tpayd_client.types import ErrorCode, Share, Story, StoryStep, Verdict

__all__ = ["explain"]

_STYLES = {
    Share.POS: "cyan", Share.CUSTOMER: "magenta", Share.READER: "blue", Share.HOST: "yellow", Share.PERSON: "bold",
}  # fmt: skip
_TOLD = {Verdict.PAID: "bold green", Verdict.NOT_PAID: "bold red"}
_COLUMNS = ("TIME", "AFTER", "BY", "WHAT", "STATE", "POS TOLD")


@click.command()
@click.argument("payment", default="last")
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's lanes.")
@click.option(
    "--logs", "with_logs", is_flag=True, help="Then what all processes logged about it; on the store's machine."
)
@connection_options
@json_option
@pass_output
def explain(output: Output, gateway: Gateway, payment: str, lane: str | None, with_logs: bool) -> int:
    """Tell the story of PAYMENT: each step with its time, whose share it was, and what the POS was told.

    PAYMENT is a request id, a payment id (as in the logs), or `last`, which is the default: the lane's newest one.

    \b
    Examples:
      tpayd explain
      tpayd explain last --lane 2 --logs
      tpayd explain 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --json
    """
    name = None if payment == "last" else _checked(payment)
    with open_pos(gateway) as pos:
        story = _ask(pos, pos.connect(), lane, name)
    if not with_logs:
        output.result(as_json(story), lambda: _show(output, story))
        return Exit.OK
    # A lane's PC has no logs, and nothing of what reading them needs.
    from tpayd.cli.commands.logs_show import show_entry  # noqa: PLC0415
    from tpayd.cli.house import open_house  # noqa: PLC0415

    lines, left_out = _logged(story, open_house().instance.log)

    def show() -> None:
        _show(output, story)
        output.line()
        for line in lines:
            show_entry(output, line)
        if left_out:
            output.line(f"{left_out} more lines are left out: tpayd logs")

    output.result({**as_json(story), "logs": lines, "logs_left_out": left_out}, show)
    return Exit.OK


def _logged(story: Story, directory: Path) -> tuple[list[dict[str, Any]], int]:
    """What the logs of this machine have about it: by its trace, and by its ids where a line has no trace."""
    names = {story.payment.payment_id, story.payment.request_id}
    if story.trace is not None:
        names.add(_trace_id(story.trace))
    began_ms = story.steps[0].at_ms if story.steps else 0
    return lines_about(directory, {name for name in names if name}, began_ms)


def _trace_id(traceparent: str) -> str:
    """What all spans of a trace share (W3C Trace Context, section 3.2.2)."""
    return traceparent[3:35]


def _checked(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise click.UsageError(f"{text!r} is no request id and no payment id (a UUID), and not `last`") from None


def _ask(pos: Pos, welcome: Welcome, lane: str | None, name: str | None) -> Story:
    if name is None:
        return pos.explain(lane_or_first(lane, welcome))
    # A client of some lanes has to name one; a client of all need not know which.
    lanes = (lane,) if lane is not None else welcome.lanes or (None,)
    missing: TpaydError | None = None
    for each in lanes:
        for by in ("request_id", "payment_id"):
            try:
                return pos.explain(each, **{by: name})
            except TpaydError as error:
                if error.code is not ErrorCode.NOT_FOUND:
                    raise
                missing = missing or error
    assert missing is not None  # noqa: S101
    raise missing


def _show(output: Output, story: Story) -> None:
    show_payment(output, story.payment)
    output.line(f"  {'payment id':<12}{story.payment.payment_id}")
    output.line(f"  {'POS':<12}{_heard(story)}")
    if story.trace is not None:
        output.line(f"  {'trace':<12}{_trace_id(story.trace)}")
    output.line()
    output.table(_COLUMNS, [_row(step, story) for step in story.steps])
    if story.left_out:
        output.line(f"{story.left_out} steps in the middle are left out")
    if any(step.purged for step in story.steps):
        output.line("details of some steps were purged; that they happened, and when, is kept")
    if not story.complete:
        output.line("the disk takes nothing now: the last steps may be missing", style="bold red")


def _row(step: StoryStep, story: Story) -> tuple[str | Text, ...]:
    told = "" if step.told is None else step.told.value.replace("_", " ")
    same_day = step.at[:10] == story.steps[0].at[:10]
    return (
        step.at[11:23] if same_day else step.at[:23].replace("T", " "),
        f"+{step.offset_ms / 1000:.3f} s" if step.offset_ms >= 0 else f"{step.offset_ms / 1000:.3f} s",
        Text(step.share.value, _STYLES.get(step.share, "")),
        step.text + (" (purged)" if step.purged else ""),
        step.state.value if step.state is not None else "?",
        Text(told, _TOLD.get(step.told, "") if step.told is not None else ""),
    )


def _heard(story: Story) -> str:
    if story.told is None:
        return "not told a verdict yet"
    words = f"told {story.told.value.replace('_', ' ')}"
    return words + (", and acknowledged it" if story.acknowledged_at_ms is not None else ", not acknowledged")

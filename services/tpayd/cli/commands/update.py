"""`tpayd update`: releases of tpayd itself [업데이트] (T14, T16)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import TpaydError
from tpayd_client.types import (
    UpdateHistory,
    UpdateOutcome,
    UpdateProgress,
    UpdateRecord,
    UpdateStatus,
    UpdateStep,
)

__all__ = ["update"]

_CALL_S = 300.0
_LOOK_S = 0.5
_SILENT_LIMIT_S = 120.0
"""While the daemon restarts nobody answers."""
_STYLES = {
    UpdateOutcome.COMMITTED: "green",
    UpdateOutcome.ROLLED_BACK: "bold red",
    UpdateOutcome.TRIAL: "yellow",
}


@click.group()
def update() -> None:
    """Look for releases, install them beside the running one, and go over to one while nobody pays [업데이트].

    A release that does not prove itself goes again by itself, and the one before runs on.

    \b
    Examples:
      tpayd update check
      tpayd update apply --now
      tpayd update history
    """


@update.command()
@connection_options
@json_option
@pass_output
def check(output: Output, gateway: Gateway) -> int:
    """Is there a newer release? Shows what is new. Exit status 1 if there is none."""
    status = _do(output, gateway, "update.check", {}, "asking for releases")
    output.result(as_json(status), lambda: _show(output, status))
    return Exit.OK if status.newest is not None else Exit.NO


@update.command()
@click.argument("version", default="")
@connection_options
@json_option
@pass_output
def download(output: Output, gateway: Gateway, version: str) -> int:
    """Fetch, verify and install a release (the newest) beside the running one. Goes on where the last try ended."""
    status = _do(output, gateway, "update.download", {"version": version}, "fetching")
    output.result(as_json(status), lambda: _show(output, status))
    return Exit.OK


@update.command("apply")
@click.argument("version", default="")
@click.option("--now", is_flag=True, help="Also outside the update window.")
@click.option("--wait", "wait_s", type=click.FloatRange(0, 3600), default=300.0, show_default=True,
              help="Seconds for payments under way to finish.")  # fmt: skip
@click.option("--again", is_flag=True, help="Also a release that was rolled back here before.")
@click.option("--restart", is_flag=True, help="Where there is nothing newer: restart the daemon all the same.")
@click.option("--background", is_flag=True, help="Do not stay until the new release has proven itself.")
@connection_options
@json_option
@pass_output
def apply_release(
    output: Output, gateway: Gateway, version: str, *, now: bool, wait_s: float, again: bool, restart: bool,
    background: bool,
) -> int:  # fmt: skip
    """Go over to a release (the newest; fetched first if need be) as soon as nobody pays, and watch it.

    Exit status: 0 it stays, 1 there is nothing newer, 8 it was rolled back, and the release before runs.
    """
    body = {"version": version, "now": now, "wait_s": wait_s, "again": again, "restart": restart}
    with output.waiting("going over to another release") as tell:
        before = _newest_record(gateway)
        status = _started(gateway, body, tell, output, before)
        if status is not None:
            output.result(as_json(status), lambda: _show(output, status))
            return Exit.NO
        record = None if background else _followed(gateway, before, tell)
    if record is None:
        output.result({"step": "switching"}, lambda: output.line("the daemon restarts: `tpayd update history`"))
        return Exit.OK
    output.result(as_json(record), lambda: _show_record(output, record))
    return Exit.OK if record.outcome is UpdateOutcome.COMMITTED else Exit.FAILED


@update.command()
@click.option("-n", "limit", type=click.IntRange(1, 50), default=20, show_default=True, help="How many.")
@connection_options
@json_option
@pass_output
def history(output: Output, gateway: Gateway, limit: int) -> int:
    """Show what became of each attempt, and why."""
    with open_pos(gateway) as pos:
        told = UpdateHistory.from_wire(pos.call("update.history", {"limit": limit}))
    rows = [
        (moment(each.at_ms), f"{each.before or '-'} -> {each.version}", each.outcome.value, each.by, each.text)
        for each in told.records
    ]
    output.result(as_json(told), lambda: output.table(("WHEN", "VERSIONS", "OUTCOME", "BY", "WHY"), rows))
    return Exit.OK


@update.command("status")
@connection_options
@json_option
@pass_output
def show_status(output: Output, gateway: Gateway) -> int:
    """Show what runs, what is installed beside it, and what is under way."""
    with open_pos(gateway) as pos:
        status = UpdateStatus.from_wire(pos.call("update.status", {}))
    output.result(as_json(status), lambda: _show(output, status))
    return Exit.OK


@update.command()
@click.argument("answer", type=click.Choice(["update", "later"]), required=False)
@connection_options
@json_option
@pass_output
def notice(output: Output, gateway: Gateway, answer: str | None) -> int:
    """Show the notice of a new release that waits [업데이트 알림], or answer it. Exit status 1 if none waits."""
    with open_pos(gateway) as pos:
        status = UpdateStatus.from_wire(pos.call("update.status", {}))
        if status.notice is not None and answer is not None:
            body = {"notice_id": status.notice.notice_id, "answer": answer}
            status = UpdateStatus.from_wire(pos.call("update.answer", body))
            output.result(as_json(status), lambda: _show(output, status))
            return Exit.OK
    if status.notice is None:
        output.result({"notice": None}, lambda: output.line("no notice waits for an answer"))
        return Exit.NO
    output.result({"notice": as_json(status.notice)}, lambda: _show(output, status))
    return Exit.OK


def _do(output: Output, gateway: Gateway, op: str, body: Mapping[str, Any], title: str) -> UpdateStatus:
    with open_pos(gateway) as pos, output.waiting(title) as tell:
        told = pos.call(op, dict(body), ttl_s=_CALL_S, on_progress=lambda each: _tell(output, tell, each))
        return UpdateStatus.from_wire(told)


def _tell(output: Output, tell: Any, told: Mapping[str, Any]) -> None:
    progress = UpdateProgress.from_wire(told)
    if progress.of_bytes and output.live:
        share = 100 * progress.done_bytes // progress.of_bytes
        tell(f"{progress.text}: {progress.done_bytes:,} of {progress.of_bytes:,} bytes ({share} %)")
    elif output.live or not progress.of_bytes:
        tell(progress.text)


def _started(
    gateway: Gateway, body: Mapping[str, Any], tell: Any, output: Output, before: UpdateRecord | None
) -> UpdateStatus | None:
    """None once the switch has begun, since the daemon goes down with our question; else how it stands."""
    try:
        with open_pos(gateway) as pos:
            told = pos.call(
                "update.apply", dict(body), ttl_s=_CALL_S, on_progress=lambda each: _tell(output, tell, each)
            )
            status = UpdateStatus.from_wire(told)
            return None if status.step in (UpdateStep.SWITCHING, UpdateStep.TRIAL) else status
    except CommandError:
        now = _newest_record(gateway, patient=True)
        if now is not None and now != before and now.outcome not in (UpdateOutcome.STAGED, UpdateOutcome.WITHDRAWN):
            return None
        raise


def _followed(gateway: Gateway, before: UpdateRecord | None, tell: Any) -> UpdateRecord:
    """Wait for the attempt's end, across the restart. Raises CommandError."""
    silent_since = time.monotonic()
    while time.monotonic() - silent_since < _SILENT_LIMIT_S:
        record = _newest_record(gateway)
        if record is not None and record != before:
            silent_since = time.monotonic()
            if record.outcome in (UpdateOutcome.COMMITTED, UpdateOutcome.ROLLED_BACK):
                return record
            tell(f"{record.version} is on trial")
        else:
            tell("the daemon restarts")
        time.sleep(_LOOK_S)
    text = f"the daemon has not answered for {_SILENT_LIMIT_S:.0f} s; see `tpayd status` and log/launcher.jsonl"
    raise CommandError(text, Exit.TIMEOUT)


def _newest_record(gateway: Gateway, *, patient: bool = False) -> UpdateRecord | None:
    """The last attempt; None where nobody answers."""
    until = time.monotonic() + (_SILENT_LIMIT_S if patient else 0.0)
    while True:
        try:
            with open_pos(gateway) as pos:
                records = UpdateHistory.from_wire(pos.call("update.history", {"limit": 1}, ttl_s=5.0)).records
                return records[0] if records else None
        except (CommandError, TpaydError):
            if time.monotonic() >= until:
                return None
        time.sleep(_LOOK_S)


def _show(output: Output, status: UpdateStatus) -> None:
    output.line(f"running   {status.running}")
    if status.step is not UpdateStep.IDLE or status.text:
        output.line(f"now       {status.step.value}" + (f": {status.text}" if status.text else ""))
    if status.newest is None:
        asked = "this is the newest release" if status.checked_at_ms else "nobody has asked for releases yet"
        output.line(f"newest    {asked}")
    else:
        newest = status.newest
        size = f", {newest.size_bytes:,} bytes to fetch" if newest.size_bytes else ""
        output.line(f"newest    {newest.version} of {moment(newest.published_at_ms)}{size}", style="bold")
        if newest.problem:
            output.line(f"          cannot be gone over to: {newest.problem}", style="yellow")
        for text in (newest.changelog, newest.changelog_ko):
            if text:
                output.line()
                output.line(text)
    if status.notice is not None:
        then = "the update begins" if status.notice.automatic else "it closes"
        output.line(f"notice    waits for an answer (`tpayd update notice update|later`); without one {then}")


def _show_record(output: Output, record: UpdateRecord) -> None:
    words = {
        UpdateOutcome.COMMITTED: f"{record.version} runs, and stays",
        UpdateOutcome.ROLLED_BACK: f"{record.version} was rolled back, {record.before} runs: {record.text}",
    }
    text = words.get(record.outcome, f"{record.version}: {record.outcome.value}")
    output.line(text, style=_STYLES.get(record.outcome))

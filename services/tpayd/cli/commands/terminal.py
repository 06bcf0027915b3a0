"""`tpayd terminal`: open terminals with the host, and switch fraud-cancel prevention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from tpayd.cli.business_number import business_number_option, own_business_number
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.passwords import password_file_option, password_from
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import Pos
from tpayd_client.types import OpenedTerminals, TerminalList

__all__ = ["terminal"]

_OPEN_TTL_S = 150.0
"""25 terminals, five at a time, each as long as the host may take."""

_terminal_ids = click.argument("terminal_ids", nargs=-1, metavar="TERMINAL...")


@click.group()
def terminal() -> None:
    """Open terminals with the card host [개시거래]; unopened ones are refused [부정취소 방지]. 25 in all.

    Openings and deletions are staged: they count after `commit` [확인], and `discard` [취소] undoes them.

    \b
    Examples:
      tpayd terminal open --all --commit
      tpayd terminal open TPAY0001 TPAY0002 --business-number 104-86-58278
      tpayd terminal delete TPAY0009
      tpayd terminal commit
      tpayd terminal prevention off
    """


@terminal.command("open")
@_terminal_ids
@click.option("--all", "everything", is_flag=True, help="The terminal of every lane of this store.")
@business_number_option
@click.option("--commit", "at_once", is_flag=True, help="Commit at once, if the host opened every one of them.")
@connection_options
@json_option
@pass_output
def open_(
    output: Output,
    gateway: Gateway,
    terminal_ids: tuple[str, ...],
    everything: bool,
    business_number: str | None,
    at_once: bool,
) -> int:
    """Register terminals with the host [개시요청], several at once, and stage those that it opened.

    Exit status 8 if the host did not open every one; the others are staged all the same.
    """
    wanted = tuple(dict.fromkeys((*terminal_ids, *(_lane_terminals() if everything else ()))))
    if not wanted:
        raise click.UsageError("name what to open: TERMINAL..., or --all")
    body = {"business_number": business_number or own_business_number(), "terminal_ids": list(wanted)}
    with open_pos(gateway) as pos:
        with output.waiting(f"asking the host to open {len(wanted)} terminals"):
            opened = OpenedTerminals.from_wire(pos.call("terminal.open", body, ttl_s=_OPEN_TTL_S))
        complete = all(opening.opened for opening in opened.openings)
        committed = at_once and complete
        told = _call(pos, "terminal.commit") if committed else opened.list
    data = {**as_json(opened), "list": as_json(told), "committed": committed}

    def show() -> None:
        output.table(
            ("TERMINAL", "HOST", "CODE"),
            [(each.terminal_id, each.text, each.code or "") for each in opened.openings],
        )
        for warning in opened.warnings:
            output.line(f"warning: {warning}", style="yellow")
        _show(output, told)

    output.result(data, show)
    return Exit.OK if complete else Exit.FAILED


@terminal.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> int:
    """Which terminals are open, what is staged, and whether prevention is on."""
    return _do(output, gateway, "terminal.list", {})


@terminal.command()
@_terminal_ids
@connection_options
@json_option
@pass_output
def delete(output: Output, gateway: Gateway, terminal_ids: tuple[str, ...]) -> int:
    """Stage the deletion of terminals [선택항목 삭제]; one that is only staged yet is dropped."""
    if not terminal_ids:
        raise click.UsageError("name what to delete: TERMINAL...")
    return _do(output, gateway, "terminal.stage_delete", {"terminal_ids": list(terminal_ids)})


@terminal.command()
@connection_options
@json_option
@pass_output
def commit(output: Output, gateway: Gateway) -> int:
    """Make all that is staged count [확인]."""
    return _do(output, gateway, "terminal.commit", {})


@terminal.command()
@connection_options
@json_option
@pass_output
def discard(output: Output, gateway: Gateway) -> int:
    """Drop all that is staged [취소]."""
    return _do(output, gateway, "terminal.discard", {})


@terminal.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@password_file_option
@connection_options
@json_option
@pass_output
def prevention(output: Output, gateway: Gateway, state: str, password_file: Path | None) -> int:
    """Switch fraud-cancel prevention [부정취소 방지]; asks for the settings password (`tpayd password set`).

    On: credit sales and voids of a terminal that is not open are refused. Off: no opening is needed.
    """
    password = password_from(output, password_file, "Settings password")
    return _do(output, gateway, "prevention.set", {"on": state == "on", "password": password})


def _do(output: Output, gateway: Gateway, op: str, body: Mapping[str, Any]) -> int:
    with open_pos(gateway) as pos:
        told = _call(pos, op, body)
    output.result(as_json(told), lambda: _show(output, told))
    return Exit.OK


def _call(pos: Pos, op: str, body: Mapping[str, Any] | None = None) -> TerminalList:
    return TerminalList.from_wire(pos.call(op, body or {}))


def _show(output: Output, told: TerminalList) -> None:
    staged = told.staged
    gone = set(staged.deleted) if staged else set()
    rows = [
        (each.terminal_id, each.business_number, _day(each.opened_at_ms),
         "deletion staged" if each.terminal_id in gone else "sandbox" if each.sandbox else "open")
        for each in told.terminals
    ]  # fmt: skip
    if staged:
        new = {each.terminal_id: each for each in staged.opened}
        rows = [row for row in rows if row[0] not in new]
        rows += [(each.terminal_id, each.business_number, _day(each.opened_at_ms), "opening staged")
                 for each in staged.opened]  # fmt: skip
    output.table(("TERMINAL", "BUSINESS NUMBER", "OPENED", "STATE"), rows)
    on = "on" if told.fraud_cancel_prevention else "off"
    output.line(f"{len(told.terminals)} of {told.terminals_max} open with the {told.profile} host; prevention is {on}")
    if told.refused:
        output.line(f"refused now, since not open: {', '.join(told.refused)}", style="red")
    if staged:
        left = f"{staged.ends_in_ms / 1000:.0f} s"
        output.line(f"staged by {staged.by}, dropped in {left}: tpayd terminal commit, or discard", style="yellow")


def _day(unix_ms: int) -> str:
    return str(datetime.fromtimestamp(unix_ms / 1000).astimezone().date())


def _lane_terminals() -> tuple[str, ...]:
    try:
        from tpayd.cli.house import open_house  # noqa: PLC0415 (a lane's PC does not have it)
    except ModuleNotFoundError:
        raise CommandError("on a lane's PC, name each terminal instead of --all", Exit.USAGE) from None
    return tuple(lane.terminal_id for lane in open_house().store.lanes)

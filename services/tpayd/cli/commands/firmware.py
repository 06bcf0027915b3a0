"""`tpayd firmware`: the readers' firmware [리더기 업데이트]: list, check, update, communication mode, history (T19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pages import all_readers
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import Pos, TpaydError
from tpayd_client.types import (
    ErrorCode,
    FirmwareHistory,
    FirmwareOutcome,
    FirmwareProgress,
    FirmwareReport,
    FirmwareResult,
    FirmwareStanding,
    FirmwareVerdict,
)

__all__ = ["firmware"]

_LOOK_TTL_S = 120.0
_UPDATE_TTL_S = 280.0
_JOIN_MAX = 20
"""An update is joined again as often as that: it may take longer than one request."""
_VERDICTS = {
    FirmwareVerdict.NEWEST: "newest",
    FirmwareVerdict.UPDATE: "update",
    FirmwareVerdict.ASK_MODE: "mode?",
    FirmwareVerdict.REFUSED: "no",
}

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def firmware() -> None:
    """See what firmware the card readers have, and bring them newer one [리더기 업데이트].

    No payment gets a reader while it is updated. Pulling the plug meanwhile does no harm: it goes on where it was.

    \b
    Examples:
      tpayd firmware check
      tpayd firmware update reader-1
      tpayd firmware mode reader-1 RS232        # SCSpro's readers, once
      tpayd firmware update --port /dev/ttyUSB0 --baud 38400
    """


def _which_options(function: F) -> F:
    """A reader by name, or by its port."""

    @click.argument("name", required=False)
    @click.option("--port", metavar="PORT", help="Instead of NAME: its port.")
    @click.option("--driver", metavar="NAME", default="stx", show_default=True, help="With --port: how it speaks.")
    @click.option("--baud", type=click.IntRange(0, 4_000_000), default=0, help="With --port: bits per second.")
    @wraps(function)
    def wrapped(*args: Any, name: str | None, port: str | None, driver: str, baud: int, **options: Any) -> Any:
        which: dict[str, Any] = {"device": name} if name else {}
        if port:
            which |= {"port": port, "driver": driver, "baud": baud}
        return function(*args, which=which, **options)

    return cast("F", wrapped)


@firmware.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> None:
    """The readers and what is known to be offered for them; asks no vendor."""
    with open_pos(gateway) as pos:
        report = _report(pos, {"refresh": False})
    output.result(as_json(report), lambda: _show(output, report))


@firmware.command()
@_which_options
@connection_options
@json_option
@pass_output
def check(output: Output, gateway: Gateway, which: dict[str, Any]) -> int:
    """Ask the vendors for newer firmware now: for all readers, for NAME, or for the one at a port.

    Exit status 1 if the vendors could not be asked.
    """
    with open_pos(gateway) as pos, output.waiting("asking the vendors"):
        report = _report(pos, which)
    output.result(as_json(report), lambda: _show(output, report))
    return Exit.NO if report.problem else Exit.OK


@firmware.command()
@_which_options
@click.option("--version", metavar="VERSION", help="This one instead of the newest.")
@click.option("--again", is_flag=True, help="Also the version that it has already.")
@click.option("--yes", is_flag=True, help="Don't ask before it begins.")
@connection_options
@json_option
@pass_output
def update(
    output: Output, gateway: Gateway, which: dict[str, Any], version: str | None, again: bool, yes: bool
) -> int:  # fmt: skip
    """Bring the reader NAME, or the one at a port, its newest firmware.

    Shows the vendor's guidance first. Interrupting this command leaves the update running; the same command joins it.
    """
    if not which:
        raise CommandError("name a reader, or its --port; `tpayd firmware check` shows what there is", Exit.USAGE)
    with open_pos(gateway) as pos:
        [standing] = _report(pos, which).readers
        if standing.verdict == FirmwareVerdict.ASK_MODE and output.live:
            standing = _ask_mode(output, pos, which, standing)
        if standing.verdict == FirmwareVerdict.UPDATE and not output.as_json:
            _show_plan(output, standing)
            if output.live and not yes and not click.confirm("Update it [업데이트]?", default=False):
                return Exit.NO
        body = which | ({"version": version} if version else {}) | ({"again": True} if again else {})
        done = _update(output, pos, body)
    output.result(as_json(done), lambda: _show_done(output, done))
    return Exit.OK


@firmware.command()
@click.argument("name")
@click.argument("mode")
@click.option("--confirm", is_flag=True, help="It was read off the reader; don't ask again.")
@connection_options
@json_option
@pass_output
def mode(output: Output, gateway: Gateway, name: str, mode: str, confirm: bool) -> int:
    """Tell the communication MODE of the reader NAME (SCSpro's readers, once); it is remembered.

    Firmware for the wrong mode ends the reader for good. What it says of itself must agree.
    """
    if not confirm and output.live:
        confirm = _said_twice(name, mode)
    body = {"device": name, "mode": mode, "confirm": confirm}
    with open_pos(gateway) as pos:
        standing = FirmwareStanding.from_wire(pos.call("firmware.mode", body, ttl_s=_LOOK_TTL_S))
    output.result(as_json(standing), lambda: output.line(f"{name}: {mode} is remembered. {standing.text}"))
    return Exit.OK


@firmware.command()
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="So many of the last ones.")
@connection_options
@json_option
@pass_output
def history(output: Output, gateway: Gateway, limit: int) -> None:
    """The last updates, newest first."""
    with open_pos(gateway) as pos:
        told = FirmwareHistory.from_wire(pos.call("firmware.history", {"limit": limit}))

    def show() -> None:
        rows = [
            (
                moment(each.at_ms), each.device or each.serial_number, each.model, f"{each.before} -> {each.after}",
                each.mode or "-", each.outcome.value, each.by,
                "" if each.outcome == FirmwareOutcome.UPDATED else each.text,
            )
            for each in told.records
        ]  # fmt: skip
        output.table(("TIME", "READER", "MODEL", "FIRMWARE", "MODE", "OUTCOME", "BY", ""), rows)

    output.result(as_json(told), show)


def _report(pos: Pos, body: Mapping[str, Any]) -> FirmwareReport:
    """A large store's readers come in pages."""

    def ask(body: Mapping[str, Any]) -> FirmwareReport:
        return FirmwareReport.from_wire(pos.call("firmware.check", dict(body), ttl_s=_LOOK_TTL_S))

    return all_readers(ask(body), lambda after: ask({**body, "after": after}))


def _update(output: Output, pos: Pos, body: dict[str, Any]) -> FirmwareResult:
    with output.waiting("updating") as update:

        def tell(told: Mapping[str, Any]) -> None:
            progress = FirmwareProgress.from_wire(told)
            share = f": {progress.done_bytes * 100 // progress.of_bytes} %" if progress.of_bytes else ""
            if output.live or not share:
                update(progress.text + share)

        for _ in range(_JOIN_MAX):
            try:
                answer = pos.call("firmware.update", body, ttl_s=_UPDATE_TTL_S, on_progress=tell)
            except TpaydError as error:
                if error.code is not ErrorCode.TIMEOUT:
                    raise
                continue  # it goes on, and is joined
            return FirmwareResult.from_wire(answer)
    raise CommandError("it still goes on: `tpayd firmware check` shows its end", Exit.NO)


def _ask_mode(output: Output, pos: Pos, which: Mapping[str, Any], standing: FirmwareStanding) -> FirmwareStanding:
    output.line(standing.text)
    chosen = click.prompt("Which communication mode has it?", type=click.Choice(list(standing.modes)))
    if not _said_twice(standing.device or standing.port, chosen):
        raise CommandError("nothing was remembered, and nothing updated", Exit.NO)
    body = {**which, "mode": chosen, "confirm": True}
    return FirmwareStanding.from_wire(pos.call("firmware.mode", body, ttl_s=_LOOK_TTL_S))


def _said_twice(name: str, mode: str) -> bool:
    click.echo(f"Firmware for the wrong communication mode ends {name} for good. Look at the reader and its cable.")
    return str(click.prompt("Type its mode once more", default="", show_default=False)) == mode


def _show(output: Output, report: FirmwareReport) -> None:
    rows = [
        (
            each.device or each.port, each.model or "-", each.firmware or "-", each.target or "-", each.mode or "-",
            "running" if each.updating else _VERDICTS.get(each.verdict, each.verdict.value), each.text,
        )
        for each in report.readers
    ]  # fmt: skip
    output.table(("READER", "MODEL", "FIRMWARE", "OFFERED", "MODE", "UPDATE", ""), rows)
    for offer in report.offers:
        if offer.problem:
            output.line(f"{offer.model} {offer.mode} {offer.version}: {offer.problem}", style="yellow")
    if report.problem:
        output.line(f"the vendors could not be asked for everything: {report.problem}", style="red")


def _show_plan(output: Output, standing: FirmwareStanding) -> None:
    output.line(f"{standing.device or standing.port}: {standing.model}, serial number {standing.serial_number}")
    mode = f", mode {standing.mode}" if standing.modes else ""
    output.line(f"firmware {standing.firmware} -> {standing.target}{mode}, {standing.size_bytes:,} bytes")
    for notes in (standing.notes_ko, standing.notes):
        if notes:
            output.line(notes)


def _show_done(output: Output, done: FirmwareResult) -> None:
    name = done.device or done.port
    output.line(f"{name} has firmware {done.after} (before: {done.before}); it took {done.took_ms / 1000:.0f} s")
    if done.key_text:
        output.line(done.key_text)
    output.line(f"Now {done.advice}." if done.advice else "")

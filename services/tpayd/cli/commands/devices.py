"""`tpayd devices`: the card readers and pads: list, show, find, add, change, test and remove them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from tpayd.cli.device_view import COLUMNS, row, scan_rows, show_report, wishes
from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import Pos
from tpayd_client.types import (
    AssignDevice,
    AssignedDevices,
    DeviceReport,
    DeviceTestProgress,
    ScanProgress,
    ScanResult,
    SelfTest,
)

__all__ = ["devices"]

_SCAN_TTL_S = 280.0
_TEST_TTL_S = 120.0
_CHANGE_TTL_S = 20.0


@click.group()
def devices() -> None:
    """List, find, add, change, test and remove card readers and pads, while the store sells.

    \b
    Examples:
      tpayd devices list
      tpayd devices scan
      tpayd devices assign reader-3 --port usb:1-1.2 --label "Counter B"
      tpayd devices assign pad-1 --port usb:1-1.3 --abilities sign,pin --lane 1 --sign-pad
      tpayd devices test reader-3
      tpayd devices remove reader-3
    """


@devices.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> None:
    """Every reader and pad as the daemon sees it now, and why one is not ready."""
    with open_pos(gateway) as pos:
        found = pos.devices()

    def show() -> None:
        output.table(COLUMNS, [row(device) for device in found.devices])
        for fault in found.faults:
            output.line(f"{fault.field}: {fault.text}", style="red")

    output.result(as_json(found), show)


@devices.command()
@click.argument("name")
@click.option("--on/--off", "on", default=None, required=True, help="Keep it from payments, or give it back.")
@click.option("--reason", default="", help="Why, for whoever finds it so.")
@connection_options
@json_option
@pass_output
def maintenance(output: Output, gateway: Gateway, name: str, on: bool, reason: str) -> None:
    """Keep a reader from payments while somebody works on it. A payment that uses it finishes first.

    \b
    Examples:
      tpayd devices maintenance reader-2 --on --reason 'new card slot'
      tpayd devices maintenance reader-2 --off
    """
    with open_pos(gateway) as pos:
        device = pos.maintenance(name, on=on, reason=reason)
    output.result(as_json(device), lambda: output.table(COLUMNS, [row(device)]))


@devices.command()
@click.argument("name")
@connection_options
@json_option
@pass_output
def show(output: Output, gateway: Gateway, name: str) -> None:
    """All about one device: who it is, what it can do, its port, its last test and its last troubles."""
    with open_pos(gateway) as pos:
        report = DeviceReport.from_wire(pos.call("device.show", {"device": name}))
    output.result(as_json(report), lambda: show_report(output, report))


@devices.command()
@click.option("--port", "ports", multiple=True, metavar="PORT",
              help="Ask this port alone; may be repeated. A port server has one too: socket://HOST:PORT.")  # fmt: skip
@click.option("--driver", "drivers", multiple=True, metavar="NAME", help="Try this driver alone; may be repeated.")
@click.option("--apply", "at_once", is_flag=True, help="Apply the proposal without asking [확인].")
@connection_options
@json_option
@pass_output
def scan(output: Output, gateway: Gateway, ports: tuple[str, ...], drivers: tuple[str, ...], at_once: bool) -> int:
    """Look for readers and pads on every serial port [장치 자동 검색], and propose what to configure.

    Ports in use are left alone. Every other port is asked in the words of each driver, at each of its speeds; where
    something else than a reader may hang on a port, name those to ask with --port. Nothing is changed before the
    proposal is confirmed: a terminal is asked, elsewhere --apply says so.

    Exit status 1 if a port could not be asked or the time was over.
    """
    body = {"ports": list(ports), "drivers": list(drivers)}
    with open_pos(gateway) as pos:
        with output.waiting("looking for readers") as update:

            def tell(progress: Mapping[str, Any]) -> None:
                now = ScanProgress.from_wire(progress)
                update(f"{now.done} of {now.of}: {now.port}, {now.driver} at {now.baud}; {now.found} found")

            result = ScanResult.from_wire(pos.call("device.scan", body, ttl_s=_SCAN_TTL_S, on_progress=tell))
        if not output.as_json:
            _show_scan(output, result)
        applied = None
        if result.proposal and (at_once or (output.live and click.confirm("Apply this [확인]?", default=False))):
            applied = _assign(pos, list(wishes(result.proposal)))
    data = {**as_json(result), "applied": None if applied is None else as_json(applied)}
    output.result(data, lambda: _show_changes(output, applied) if applied else _show_way(output, result))
    return Exit.OK if result.complete else Exit.NO


@devices.command()
@click.argument("name")
@click.option("--port", metavar="PORT", help="Device path, usb:PLACE, serial:NUMBER, rfc2217://HOST:PORT or socket://…")
@click.option("--driver", metavar="NAME", help="How it speaks, e.g. stx.")
@click.option("--label", help="What cashiers call it, e.g. 'Counter B'.")
@click.option("--abilities", metavar="LIST", help="Of ic, stripe, contactless, qr, sign, pin; separated by commas.")
@click.option("--baud", type=click.IntRange(0, 4_000_000), help="Bits per second; 0: what the driver expects.")
@click.option("--serial-number", metavar="TEXT", help="It must report this one; '': any.")
@click.option("--model", metavar="TEXT", help="It must report this model; '': any.")
@click.option("--pool", metavar="NAME", help="Put it into this pool: the pool's lanes share it.")
@click.option("--lane", metavar="LANE", help="Make it this lane's own: no other lane uses it. At most 3 a lane.")
@click.option("--sign-pad", is_flag=True, help="With --lane: the lane's customers sign there [서명패드로 사용].")
@click.option("--sign-pad-for", "sign_lanes", metavar="LANES", help="The lanes whose customers sign there; '': none.")
@click.option("--number-pad-for", "number_lanes", metavar="LANES",
              help="The lanes whose customers enter numbers there; '': none.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Check and show what would change; change nothing.")
@connection_options
@json_option
@pass_output
def assign(
    output: Output, /, gateway: Gateway, name: str, lane: str | None, sign_pad: bool, dry_run: bool, **told: str | None
) -> None:
    """Add a device, or change what is named here; the rest stays. No restart, and no payment is disturbed.

    A reader that is under way in a payment changes when that is over. What would leave a lane without a chip card
    reader, give a device to two lanes, or cannot be right otherwise is refused, and nothing is written.
    """
    if sign_pad and lane is None:
        raise click.UsageError("--sign-pad needs --lane; for lanes that share it: --sign-pad-for LANES")
    wish: dict[str, Any] = {"name": name, "lane": lane}
    wish |= {key: told[key] for key in ("port", "driver", "label", "baud", "serial_number", "model", "pool")}
    wish["abilities"] = _listed(told["abilities"])
    wish["sign_pad_for"] = [lane] if sign_pad else _listed(told["sign_lanes"])
    wish["number_pad_for"] = _listed(told["number_lanes"])
    given = {key: value for key, value in wish.items() if value is not None}
    with open_pos(gateway) as pos:
        done = _assign(pos, [given], dry_run=dry_run)
    output.result(as_json(done), lambda: _show_changes(output, done, dry_run=dry_run))


@devices.command()
@click.argument("name")
@connection_options
@json_option
@pass_output
def remove(output: Output, gateway: Gateway, name: str) -> None:
    """Take a device out of the settings and out of use; one in a payment, when that is over."""
    with open_pos(gateway) as pos:
        done = AssignedDevices.from_wire(pos.call("device.remove", {"device": name}, ttl_s=_CHANGE_TTL_S))
    output.result(as_json(done), lambda: _show_changes(output, done))


@devices.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "everything", is_flag=True, help="Every device, one after another.")
@connection_options
@json_option
@pass_output
def test(output: Output, gateway: Gateway, names: tuple[str, ...], everything: bool) -> int:
    """Have readers say who they are and test themselves, between two payments.

    Exit status 8 if one did not pass; no payment gets that one then.
    """
    if not (names or everything):
        raise click.UsageError("name what to test: NAME..., or --all")
    told: dict[str, SelfTest] = {}
    with open_pos(gateway) as pos:
        for name in names or tuple(device.name for device in pos.devices().devices):
            told[name] = _test(output, pos, name)
    output.result(as_json({"tests": told}), lambda: _show_tests(output, told))
    return Exit.OK if all(each.passed for each in told.values()) else Exit.FAILED


def _test(output: Output, pos: Pos, name: str) -> SelfTest:
    with output.waiting(f"{name}: test") as update:

        def tell(progress: Mapping[str, Any]) -> None:
            update(DeviceTestProgress.from_wire(progress).text)

        return SelfTest.from_wire(pos.call("device.test", {"device": name}, ttl_s=_TEST_TTL_S, on_progress=tell))


def _assign(pos: Pos, devices: list[dict[str, Any]], *, dry_run: bool = False) -> AssignedDevices:
    body = {"devices": devices, "dry_run": dry_run}
    return AssignedDevices.from_wire(pos.call("device.assign", body, ttl_s=_CHANGE_TTL_S))


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]


def _show_scan(output: Output, result: ScanResult) -> None:
    columns, rows = scan_rows(result.ports)
    output.table(columns, rows)
    if not result.complete:
        output.line("the time was over before every port had been asked", style="yellow")
    for wish in result.proposal:
        output.line(f"proposed: {_as_command(wish)}")


def _show_way(output: Output, result: ScanResult) -> None:
    output.line("nothing to change" if not result.proposal else "nothing changed; to apply: tpayd devices scan --apply")


def _as_command(wish: AssignDevice) -> str:
    [given] = wishes((wish,))
    name = given.pop("name")
    options = [
        f"--{key.replace('_', '-')} {','.join(value) if isinstance(value, list) else value}"
        for key, value in given.items()
    ]
    return " ".join((f"tpayd devices assign {name}", *options))


def _show_changes(output: Output, done: AssignedDevices, *, dry_run: bool = False) -> None:
    for change in done.changes:
        output.line(f"{'would change ' if dry_run else ''}{change}")
    if not done.changes:
        output.line("nothing to change: the settings say so already")
    elif done.devices:
        output.table(COLUMNS, [row(device) for device in done.devices])


def _show_tests(output: Output, told: Mapping[str, SelfTest]) -> None:
    rows = [
        (name, "passed" if each.passed else "FAILED", moment(each.at_ms), each.problem) for name, each in told.items()
    ]
    output.table(("READER", "TEST", "AT", "NOTE"), rows)

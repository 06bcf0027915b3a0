"""`tpayd status`: processes, host line and readers at a glance."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from tpayd.cli.device_view import COLUMNS, row
from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, open_pos
from tpayd.cli.readiness import ServiceState, service_states
from tpayd.cli.shape import as_json
from tpayd.supervision.boot import enabled_unit
from tpayd.supervision.daemon import launcher_pid
from tpayd.supervision.programs import WATCHDOG
from tpayd_client.types import DeviceList, IntegrityReport, IntegrityState, KeyInfo, LineStatus
from tpayd_contracts.health import Readiness

__all__ = ["status"]

_STYLES = {Readiness.READY: "green", Readiness.DEGRADED: "yellow", Readiness.STARTING: "yellow"}


@click.command()
@json_option
@pass_output
def status(output: Output) -> int:
    """Show processes, host line and readers. Exit status: 0 all ready, 1 not, 4 not running.

    \b
    Example, for a script:
      tpayd status --json | jq '.services[] | select(.readiness != "ready")'
    """
    house = open_house()
    states = service_states(house, watchdog=True)
    launcher = launcher_pid(house.instance)
    running = launcher is not None or any(state.pid for state in states)
    host, readers, integrity, keys = _edges() if running else (None, None, None, ())
    unit = enabled_unit(house.instance.home)
    data: dict[str, Any] = {
        "instance": str(house.instance.home),
        "sandbox": house.store.sandbox,
        "host_profile": house.store.host_profile,
        "running": running,
        "launcher_pid": launcher,
        "starts_at_boot": unit is not None,
        "boot_unit": unit,
        "services": [state.as_json() for state in states],
        "host": as_json(host) if host else None,
        "readers": as_json(readers.devices) if readers else None,
        "keys": [{"owner": key.owner, "device": key.device, "note": key.note} for key in keys],
        "integrity": {"state": integrity.state.value, "detail": integrity.detail} if integrity else None,
    }

    def show() -> None:
        _show_head(output, house, running=running, launcher=launcher, unit=unit)
        if running:
            _show_integrity(output, integrity)
            _show_services(output, states)
            _show_edges(output, host, readers)
            for key in keys:
                output.line(f"key       {key.device or key.owner}: {key.note}", style="yellow")

    output.result(data, show)
    if not running:
        return Exit.NOT_RUNNING
    needed = [state for state in states if state.name != WATCHDOG and not state.operations]
    return Exit.OK if all(state.ready for state in needed) else Exit.NO


def _edges() -> tuple[LineStatus | None, DeviceList | None, IntegrityReport | None, tuple[KeyInfo, ...]]:
    host = readers = integrity = None
    keys: tuple[KeyInfo, ...] = ()
    with contextlib.suppress(CommandError), open_pos(Gateway(None)) as pos:
        host, readers = pos.host_status(), pos.devices()
        integrity = IntegrityReport.from_wire(pos.call("integrity.status", {}))
        keys = tuple(key for key in pos.keys().keys if key.note)
    return host, readers, integrity, keys


def _show_head(output: Output, house: LocalHouse, *, running: bool, launcher: int | None, unit: str | None) -> None:
    if house.store.sandbox:
        output.line("SANDBOX: virtual readers and a virtual host, no real money moves", style="bold yellow")
    output.line(f"instance  {house.instance.home}")
    output.line(f"profile   {house.store.host_profile}")
    if not running:
        output.line("daemon    not running; start it with `tpayd up`", style="bold red")
    elif launcher is None:
        output.line("daemon    runs without its launcher: `tpayd up` starts one that takes over", style="yellow")
    else:
        output.line(f"daemon    running, launcher pid {launcher}")
    if unit is None:
        text = "boot      not installed at boot: after a restart of this machine nothing runs until `tpayd up`"
        output.line(f"{text}; `tpayd install-service` changes that")
    else:
        output.line(f"boot      started by {unit}")


def _show_integrity(output: Output, report: IntegrityReport | None) -> None:
    if report is not None:
        detail = f": {report.detail}" if report.detail else ""
        good = report.state is IntegrityState.OK
        output.line(f"integrity {report.state.value}{detail}", style=None if good else "bold red")


def _show_services(output: Output, states: Sequence[ServiceState]) -> None:
    rows = [
        (
            state.name,
            state.state,
            str(state.pid or "-"),
            _duration(state.uptime_s),
            _readiness(state),
            state.detail,
        )
        for state in states
    ]
    output.line()
    output.table(("PROCESS", "STATE", "PID", "UP", "READY", "NOTE"), rows)


def _show_edges(output: Output, host: LineStatus | None, readers: DeviceList | None) -> None:
    output.line()
    if host is None or readers is None:
        output.line("host line and readers are not known: the gateway does not answer", style="yellow")
        return
    output.table(
        ("HOST LINE", "STATE", "ADDRESS", "NOTE"),
        [(line.name, line.state.value, line.address, line.detail or "") for line in host.lines],
    )
    output.line()
    output.table(COLUMNS, [row(device) for device in readers.devices])


def _readiness(state: ServiceState) -> Text:
    if state.name == "watchdog":
        return Text("-")
    word = state.readiness.value if state.readiness else "no answer"
    return Text(word, style=_STYLES.get(state.readiness, "red") if state.readiness else "red")


def _duration(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"

"""`tpayd logs ship` and `status`: logs on their way to the vendor (T18)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import click

from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd.cli.spans import AGO
from tpayd_client.types import Bundle, BundleState, LogsStatus, ShipProgress

__all__ = ["ship", "status"]

_STYLES = {BundleState.SHIPPED: "green", BundleState.STOPPED: "bold red", BundleState.DROPPED: "yellow"}
_KIB = 1024


@click.command()
@click.argument("services", nargs=-1)
@click.option("--since", type=AGO, metavar="MOMENT", help="From here on: 90m, 24h, 7d ago, or '2026-03-02 10:15'.")
@click.option("--until", type=AGO, metavar="MOMENT", help="Up to here.")
@click.option("--reason", default="", help="For the vendor, in a few words; it stands in the bundle.")
@click.option("--later", is_flag=True, help="In the quiet hours (log_shipper.later_window), not at once.")
@click.option("--no-wait", is_flag=True, help="Don't wait until it has arrived; `tpayd logs status` tells.")
@click.option("--wait", "wait_s", type=click.FloatRange(1, 300), default=300.0, show_default=True, help="Seconds.")
@connection_options
@json_option
@pass_output
def ship(
    output: Output, gateway: Gateway, services: tuple[str, ...], since: int | None, until: int | None, reason: str,
    later: bool, no_wait: bool, wait_s: float,
) -> int:  # fmt: skip
    """Send the logs of SERVICES, else of all, to the vendor: proven free of card data, encrypted to his key.

    What is asked for is on disk at once: it goes on however the line breaks, and after a restart as well.
    Exit status 1 if it was stopped, 3 if it has not arrived yet.

    \b
    Examples:
      tpayd logs ship --since 24h --reason "the card is read twice"
      tpayd logs ship device_broker --later
    """
    body: dict[str, Any] = {"priority": "later" if later else "now", "wait": not (no_wait or later)}
    body |= {name: value for name, value in (("since_ms", since), ("until_ms", until)) if value is not None}
    body |= {"reason": reason} if reason else {}
    body |= {"services": list(services)} if services else {}
    with open_pos(gateway) as pos, output.waiting("asking for it") as update:

        def show_progress(told: Mapping[str, Any]) -> None:
            progress = ShipProgress.from_wire(told)
            share = f": {progress.done_bytes * 100 // progress.of_bytes} %" if progress.of_bytes else ""
            update(progress.text + (share if output.live else ""))

        found = Bundle.from_wire(
            pos.call("logs.ship", body, key=str(uuid.uuid4()), ttl_s=wait_s, on_progress=show_progress)
        )
    output.result(as_json(found), lambda: _tell(output, found))
    if found.state is BundleState.SHIPPED or not body["wait"]:
        return Exit.OK
    return Exit.NO if found.state in (BundleState.STOPPED, BundleState.DROPPED) else Exit.UNKNOWN


@click.command()
@connection_options
@json_option
@pass_output
def status(output: Output, gateway: Gateway) -> int:
    """What waits, the last ones that were sent, what is kept here, and what is wrong. Exit status 1 if something is."""
    with open_pos(gateway) as pos:
        found = LogsStatus.from_wire(pos.call("logs.status", {}))
    output.result(as_json(found), lambda: _tell_status(output, found))
    return Exit.NO if found.problems else Exit.OK


def _tell(output: Output, bundle: Bundle) -> None:
    state = "not arrived yet" if bundle.state not in _STYLES else bundle.state.value
    output.line(f"{state}: {bundle.name or bundle.id}", style=_STYLES.get(bundle.state, "yellow"))
    if bundle.size_bytes:
        output.line(f"size      {_size(bundle.size_bytes)} ({bundle.files} files, {_size(bundle.logs_bytes)} of logs)")
        output.line(f"sha256    {bundle.sha256}")
    if bundle.detail:
        output.line(f"note      {bundle.detail}")


def _tell_status(output: Output, found: LogsStatus) -> None:
    output.line(f"to        {found.destination or 'nobody'}")
    output.line(f"keys      {found.recipients}")
    output.line(f"outbox    {_size(found.outbox_bytes)} of {_size(found.outbox_limit_bytes)}")
    output.line(f"last sent {moment(found.last_success_ms) if found.last_success_ms else 'never'}")
    for problem in found.problems:
        output.line(f"problem   {problem}", style="yellow")
    for title, bundles in (("WAITS", found.open), ("ENDED", found.ended)):
        if bundles:
            output.line()
            output.table((title, "STATE", "WHEN", "SIZE", "BY", "TRIES", "NOTE"), [_row(one) for one in bundles])
    output.line()
    rows = [(use.service, str(use.files), _size(use.size_bytes), moment(use.oldest_ms)) for use in found.logs]
    output.table(("LOGS OF", "FILES", "SIZE", "SINCE"), rows)


def _row(bundle: Bundle) -> tuple[str, ...]:
    note = bundle.detail or bundle.reason
    when = moment(bundle.asked_ms)
    return (bundle.id, bundle.state.value, when, _size(bundle.size_bytes), bundle.by, str(bundle.tries), note)


def _size(size_bytes: int) -> str:
    for unit, size in (("MiB", _KIB * _KIB), ("KiB", _KIB)):
        if size_bytes >= size:
            return f"{size_bytes / size:.1f} {unit}"
    return f"{size_bytes} B"

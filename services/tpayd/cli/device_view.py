"""How devices look to a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tpayd.cli.moments import moment
from tpayd.cli.output import Output
from tpayd.cli.shape import as_json
from tpayd_client.types import Ability, AssignDevice, Device, DeviceReport, PortState, ScannedPort, SelfTest

__all__ = ["COLUMNS", "row", "scan_rows", "show_report", "wishes"]

COLUMNS = ("READER", "STATE", "MODEL", "SERIAL", "CAN", "FOR", "PORT", "NOTE")


def row(device: Device) -> tuple[str, ...]:
    """One reader as a line of the table."""
    return (
        device.name,
        device.state.value + (f" by lane {device.leased_to}" if device.leased_to else ""),
        device.model or "-",
        device.serial_number or "-",
        _able(device.abilities),
        f"lane {device.lane}" if device.lane else f"pool {device.pool}" if device.pool else "nobody",
        device.port,
        "; ".join((*(bar.why for bar in device.bars), device.detail or "")).removesuffix("; "),
    )


def scan_rows(ports: Sequence[ScannedPort]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """What a search found: headings and rows."""
    rows: list[tuple[str, ...]] = [
        (
            port.port,
            port.state.value,
            port.device or ("new" if port.state is PortState.FOUND else "-"),
            port.model or "-",
            port.serial_number or "-",
            "-" if port.abilities is None else _able(port.abilities),
            f"{port.driver} at {port.baud}" if port.driver else "-",
            port.text or "",
        )
        for port in ports
    ]
    return ("PORT", "STATE", "READER", "MODEL", "SERIAL", "CAN", "SPEAKS", "NOTE"), rows


def wishes(proposal: Iterable[AssignDevice]) -> Iterator[dict[str, Any]]:
    """As the operation takes them: without what is left out."""
    for wish in proposal:
        yield {key: value for key, value in as_json(wish).items() if value is not None}


def show_report(output: Output, report: DeviceReport) -> None:
    """All about one device, one fact a line."""
    device = report.device
    test = report.self_test
    facts = (
        ("label", device.label),
        ("state", f"{device.state.value} since {moment(report.since_ms)}"),
        ("why", device.detail),
        ("lease", f"lane {device.leased_to}" if device.leased_to else None),
        ("for", f"lane {device.lane} alone" if device.lane else f"pool {device.pool}" if device.pool else "nobody"),
        ("port", device.port + (f" ({report.where})" if report.where not in (None, device.port) else "")),
        ("speaks", f"{device.driver} at {report.baud}"),
        ("model", device.model),
        ("serial number", device.serial_number),
        ("firmware", device.firmware),
        ("reader id", device.reader_id),
        ("key", _key(report)),
        ("can", _able(device.abilities)),
        ("lacks", _able(report.lacking_abilities) if report.lacking_abilities else None),
        ("self-test", None if test is None else f"{_verdict(test)}, {moment(test.at_ms)}"),
        ("counts", ", ".join(f"{each.what} {each.count}" for each in report.counts) or None),
    )  # fmt: skip
    for name, fact in facts:
        if fact:
            output.line(f"{name + ':':<15}{fact}")
    for bar in device.bars:
        output.line(f"{'kept back:':<15}{bar.why}", style="yellow")
    for trouble in report.troubles:
        output.line(f"{moment(trouble.at_ms)}  {trouble.text}")


def _verdict(test: SelfTest) -> str:
    return "passed" if test.passed else f"FAILED: {test.problem}"


def _key(report: DeviceReport) -> str | None:
    if report.key_loaded is None:
        return None
    return "loaded" if report.key_loaded else f"none: tpayd keys exchange --reader {report.device.name}"


def _able(abilities: Sequence[Ability]) -> str:
    return ", ".join(ability.value for ability in abilities) or "-"

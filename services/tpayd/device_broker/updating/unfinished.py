"""Readers whose firmware may be neither the old nor the new one, and when they may serve customers again. Pure.

A reader is noted before the first byte goes to it, so that whatever dies in between, nobody pays at it until it has
said itself, at a start that ended well, what it runs:

| it starts, well, with    | then                                                                     |
|--------------------------|--------------------------------------------------------------------------|
| the new version          | the update is over                                                       |
| the version it had       | nothing of the image had reached it: the first byte erases what it had   |
| any other                | a person decides: update it again, or `devices maintenance --off`        |
| its boot loader, or not  | it is kept from payments until an update has ended well                  |
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from tpayd.device_broker.examination import Examination
from tpayd_contracts.device import Bar, BarCause

__all__ = ["Unfinished", "after_start", "bars_of"]


class Unfinished(Struct, frozen=True, forbid_unknown_fields=True):
    """One reader."""

    device: str
    version: str
    """That it was to get."""
    before: str
    """That it had; empty where nobody knew."""
    since_ms: int
    reports: str = ""
    """The version that it started with, where that is neither."""


def after_start(noted: Unfinished, seen: Examination) -> Unfinished | None:
    """What stays noted of a reader after it was started."""
    identity = seen.identity
    if not seen.passed or identity is None or identity.boot_loader:
        return noted
    if identity.firmware in (noted.version, noted.before):
        return None
    return msgspec.structs.replace(noted, reports=identity.firmware)


def bars_of(noted: Iterable[Unfinished], live: Iterable[str]) -> tuple[Bar, ...]:
    """What keeps them from payments. `live`: those that are being updated now."""
    now = frozenset(live)
    return tuple(Bar(each.device, BarCause.FIRMWARE, _why(each, each.device in now)) for each in noted)


def _why(noted: Unfinished, under_way: bool) -> str:
    name = noted.device
    if under_way:
        return f"its firmware is being updated to {noted.version}"
    if noted.reports:
        return (
            f"after an update to {noted.version} it reports {noted.reports}: `tpayd firmware update {name} --again`, "
            f"or `tpayd devices maintenance {name} --off` gives it back as it is"
        )
    return f"an update of its firmware to {noted.version} was cut off: `tpayd firmware update {name}` finishes it"

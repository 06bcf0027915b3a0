"""Whether the reader that answers is the one that is meant (T6)."""

from __future__ import annotations

from tpayd.device_broker.drivers.events import Identity
from tpayd.device_broker.settings import DeviceSettings

__all__ = ["mismatch", "missing_abilities"]


def mismatch(settings: DeviceSettings, expected_number: str, identity: Identity) -> str | None:
    """Why this reader is not used; None if it is the right one."""
    name = settings.name
    if settings.model and identity.model != settings.model:
        return (
            f"a reader of another model answers: {identity.model or 'one without a name'}, not {settings.model}. "
            f"Plug in the right one, or: tpayd devices assign {name} --model {identity.model!r}"
        )
    if expected_number and identity.serial_number != expected_number:
        return (
            f"another reader answers: serial number {identity.serial_number or 'unknown'}, not {expected_number}. "
            f"Plug in the right one, or: tpayd devices assign {name} --serial-number {identity.serial_number!r}"
        )
    return None


def missing_abilities(name: str, lacking: tuple[str, ...], kept: tuple[str, ...]) -> str:
    """What a person is told of abilities that are configured and not there."""
    return (
        f"configured with {', '.join(lacking)}, which it says it lacks; it is lent for the rest alone. "
        f"To agree with it: tpayd devices assign {name} --abilities {','.join(kept)}"
    )

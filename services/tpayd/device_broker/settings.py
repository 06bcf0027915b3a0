"""config/device_broker.toml."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from msgspec import Meta, Struct

from tpayd.device_broker.signature_files import LANE
from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.device import Ability
from tpayd_contracts.shapes import Lane, Name

__all__ = ["DeviceBrokerSettings", "DeviceSettings"]


class DeviceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One card reader."""

    name: Name
    port: Annotated[str, Meta(min_length=1, max_length=200)]
    """A device path, a path below the instance directory, or a URL that pyserial knows (`socket://`, `rfc2217://`)."""
    driver: Name = "stx"
    label: Annotated[str, Meta(max_length=40)] = ""
    """What cashiers call it; empty: its name."""
    lanes: tuple[Lane, ...] = ()
    """The lanes that may use it; empty: all."""
    abilities: tuple[Ability, ...] = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS)
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] | None = None
    """Bits per second; left out: what the driver expects."""


class DeviceBrokerSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device broker."""

    devices: Annotated[tuple[DeviceSettings, ...], Meta(max_length=256)] = ()
    lease_ttl_s: Annotated[float, Meta(ge=2, le=300)] = 15.0
    """Seconds that a lease lives without being renewed."""
    key_hold_s: Annotated[float, Meta(ge=1, le=300)] = 30.0
    """Seconds that a reader is kept from payments while a key exchange is between its two halves."""
    waiting_max: Annotated[int, Meta(ge=1, le=10_000)] = 256
    """Payments that may wait for a reader; one more is refused as busy."""
    absent_grace_s: Annotated[float, Meta(ge=0, le=600)] = 10.0
    """Seconds that a payment waits when every reader that would do is unplugged."""
    idle_check_s: Annotated[float, Meta(ge=1, le=3600)] = 30.0
    """Seconds of silence after which an idle reader is asked whether it is still there."""
    reopen_min_s: Annotated[float, Meta(gt=0, le=60)] = 0.2
    """First wait before a lost port is tried again; it doubles, with jitter."""
    reopen_max_s: Annotated[float, Meta(gt=0, le=600)] = 2.0
    """Longest wait before a lost port is tried again."""
    prompt_settle_ms: Annotated[int, Meta(ge=0, le=1000)] = 50
    """Milliseconds that a prompt must stand before it is told: what is overtaken sooner, nobody could read."""

    signature_file: Annotated[str, Meta(max_length=200)] = ""
    """Where the last signature of each lane is kept, with {lane} for its name; empty: nowhere."""

    def __post_init__(self) -> None:
        if self.signature_file and LANE not in self.signature_file:
            raise ValueError(f"signature_file: {LANE} is missing, and lanes would overwrite each other's")
        for what, values in (
            ("name", [device.name for device in self.devices]),
            ("port", [device.port for device in self.devices]),
        ):
            for value, times in Counter(values).items():
                if times > 1:
                    raise ValueError(f"devices: {what} {value!r} is given to {times} devices; each needs its own")
        if self.reopen_min_s > self.reopen_max_s:
            raise ValueError("reopen_min_s is above reopen_max_s")

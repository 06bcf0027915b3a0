"""config/device_broker.toml."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tpayd.device_broker.signature_files import LANE
from tpayd.kit.settings import ServiceSettings
from tpayd_contracts.device import Ability
from tpayd_contracts.shapes import Lane, Name

__all__ = ["SCREEN", "SHARED", "DeviceBrokerSettings", "DeviceSettings", "LaneProfileSettings", "PoolSettings"]

SHARED = "shared"
"""The pool of every device that names none. It is there without being configured, and admits every lane then."""
SCREEN = "screen"
"""As a pad: the lane's own on-screen page."""

_Label = Annotated[str, Meta(max_length=40)]


class DeviceSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One card reader or pad."""

    name: Name
    port: Annotated[str, Meta(min_length=1, max_length=200)]
    """A path, absolute or below the instance directory; `usb:<location>`; `serial:<the reader's serial number>`; or a
    URL that pyserial knows (`socket://`, `rfc2217://`)."""
    driver: Name = "stx"
    label: _Label = ""
    """What cashiers call it; empty: its name."""
    pool: Name | None = None
    """Its pool; left out: `shared`. Must be left out where a lane's profile has it as the lane's own."""
    serial_number: Annotated[str, Meta(max_length=40)] = ""
    """If set, the device at that port must report this one."""
    model: Annotated[str, Meta(max_length=40)] = ""
    """The same for its model."""
    abilities: tuple[Ability, ...] = (Ability.IC, Ability.STRIPE, Ability.CONTACTLESS)
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] | None = None
    """Bits per second; left out: what the driver expects."""


class PoolSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pool of readers that several lanes share."""

    name: Name
    label: _Label = ""
    """Where its readers stand, for people; empty: its name."""
    lanes: tuple[Lane, ...] = ()
    """The lanes that may use it; empty: all."""


class LaneProfileSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lane's own devices and its way to the others (T5, T7). `tpayd.device_broker.profiles` has its rules."""

    name: Lane
    devices: tuple[Name, ...] = ()
    """Its own [장치 1-3], which no other lane may use."""
    pools: tuple[Name, ...] | None = None
    """Those it uses, the preferred one first; left out: all that admit it."""
    sign_pad: Name | Literal[""] = ""
    """Where its customers sign [서명패드로 사용]: a device, `screen`, or empty for any reader that is able to."""
    number_pad: Name | Literal[""] = ""
    """Where they enter numbers; in the same way."""
    priority: Annotated[int, Meta(ge=0, le=9)] = 0
    """The higher is served first, but never twice while another lane waits once."""


class DeviceBrokerSettings(ServiceSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The device broker."""

    pools: Annotated[tuple[PoolSettings, ...], Meta(max_length=64)] = ()
    devices: Annotated[tuple[DeviceSettings, ...], Meta(max_length=256)] = ()
    lanes: Annotated[tuple[LaneProfileSettings, ...], Meta(max_length=999)] = ()
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
    reset_at: Annotated[str, Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] = ""
    """Local time, HH:MM, at which idle readers are reset, one of a pool at a time; empty: never."""
    firmware_patience_s: Annotated[float, Meta(ge=1, le=3600)] = 180.0
    """Seconds that a reader which is lost in the middle of a firmware update is waited for."""
    prompt_settle_ms: Annotated[int, Meta(ge=0, le=1000)] = 50
    """Milliseconds that a prompt must stand before it is told: what is overtaken sooner, nobody could read."""

    scan_ports: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=32)] = ()
    """Paths with wildcards where readers are looked for, beside the serial ports that the system lists."""
    scan_max_s: Annotated[float, Meta(ge=1, le=240)] = 60.0
    """Seconds that a search for devices may take."""

    signature_file: Annotated[str, Meta(max_length=200)] = ""
    """Where the last signature of each lane is kept, with {lane} for its name; empty: nowhere."""
    signature_in_home: bool = False
    """Whether it is kept in the instance directory, by the name of signature_file, else signature-{lane}.bmp."""

    @property
    def signature_place(self) -> str | None:
        """Where signatures are kept: a path with {lane}, relative to the instance directory; None: nowhere (T8)."""
        if self.signature_in_home:
            return PurePosixPath(self.signature_file).name or f"signature-{LANE}.bmp"
        return self.signature_file or None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.signature_in_home and self.signature_file and LANE not in PurePosixPath(self.signature_file).name:
            raise ValueError(f"signature_file: with signature_in_home, {LANE} must stand in the file's name")
        if self.signature_file and LANE not in self.signature_file:
            raise ValueError(f"signature_file: {LANE} is missing, and lanes would overwrite each other's")
        for table, what, values in (
            ("devices", "name", [device.name for device in self.devices]),
            ("devices", "port", [device.port for device in self.devices]),
            ("pools", "name", [pool.name for pool in self.pools]),
        ):
            for value, times in Counter(values).items():
                if times > 1:
                    raise ValueError(f"{table}: {what} {value!r} is given to {times} {table}; each needs its own")
        if any(device.name == SCREEN for device in self.devices):
            raise ValueError(f"devices: the name {SCREEN!r} means a lane's own page; call the device something else")
        if self.reopen_min_s > self.reopen_max_s:
            raise ValueError(
                f"reopen_min_s: {self.reopen_min_s:g} s are more than reopen_max_s, {self.reopen_max_s:g} s: "
                "no wait could be both; lower reopen_min_s or raise reopen_max_s"
            )

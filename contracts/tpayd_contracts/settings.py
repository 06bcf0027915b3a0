"""Settings, as an administrator sees and changes them through the gateway.

Each settings file has one owner that knows its rules: a service its own, the gateway `store.toml` as well. `file` says
which is meant, and with it who answers. Values travel as they stand in TOML: `30.0`, `true`, `"live"`, `["a", "b"]`.
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from tpayd_contracts.operation import Empty, Op, Right
from tpayd_contracts.secret import HidesSecrets, Password
from tpayd_contracts.shapes import Count, Lane, Name, UnixMs

__all__ = [
    "PENDING",
    "SETTINGS_CHANGE",
    "SETTINGS_FILES",
    "SETTINGS_HISTORY",
    "SETTINGS_OPS",
    "SETTINGS_PRESET",
    "SETTINGS_RESTORE",
    "SETTINGS_SHOW",
    "AppliedChange",
    "ApplyPreset",
    "Applies",
    "ChangeSettings",
    "ChangedSettings",
    "ClientOptions",
    "Pending",
    "RestoreSettings",
    "Setting",
    "SettingChange",
    "SettingGroup",
    "SettingKind",
    "SettingsFileName",
    "SettingsHistory",
    "SettingsPage",
    "SettingsQuery",
    "SettingsVersion",
]

CHANGES_MAX = 64
VALUE_MAX_CHARS = 8192

SettingsFileName = Literal[
    "store", "gateway", "transaction", "device_broker", "host_link", "key_manager", "updater", "log_shipper"
]  # fmt: skip
SETTINGS_FILES: dict[str, str] = {
    "store": "gateway",
    "gateway": "gateway",
    "transaction": "transaction",
    "device_broker": "device_broker",
    "host_link": "host_link",
    "key_manager": "key_manager",
    "log_shipper": "log_shipper",
    "updater": "updater",
}
"""Settings file → the service that answers for it."""

_Path = Annotated[
    str, Meta(min_length=1, max_length=200, description="a setting's place, e.g. profiles.live.tls.enabled")
]
_Value = Annotated[str, Meta(max_length=VALUE_MAX_CHARS, description="a value as it stands in TOML")]
_Stamp = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$(?!\n)", description="tells one text of a file from another")]


class SettingGroup(enum.StrEnum):
    """Where the settings screen [환경설정] shows it."""

    SERVER = "server"
    """서버 접속 설정"""
    DEVICES = "devices"
    """장치"""
    SIGNATURE = "signature"
    """서명 이미지 저장 경로"""
    FUNCTIONS = "functions"
    """부가 기능 설정"""
    UPDATES = "updates"
    """업데이트 설정"""
    CLIENT = "client"
    """특수 기능(DLL 환경설정)"""
    STORE = "store"
    """The store itself: merchant and lanes."""
    OTHER = "other"
    """What the manual has not: for whoever runs the store."""


class SettingKind(enum.StrEnum):
    """What a value is."""

    SWITCH = "switch"
    """`true` or `false`."""
    WHOLE = "whole"
    """A whole number."""
    NUMBER = "number"
    TEXT = "text"
    CHOICE = "choice"
    """One of `choices`."""
    LIST = "list"
    TABLES = "tables"
    """A table, or a list of tables with a name each; one value in it is named `lanes.1.terminal_id`."""


class Applies(enum.StrEnum):
    """When a change counts."""

    NOW = "now"
    RESTART = "restart"
    """When the services named in `restart` have been restarted."""


class Setting(Struct, frozen=True, omit_defaults=True):
    """One setting."""

    path: str
    value: str
    """What the file says, or the default where it says nothing. Passwords in URLs read `***`."""
    kind: SettingKind
    group: SettingGroup
    applies: Applies
    en: str
    """What it is, in English."""
    ko: str
    """What it is, in Korean; in the manual's words where it has them."""
    default: str | None = None
    """None: it has none, and must stand in the file."""
    in_force: str | None = None
    """What the process runs with, where that is not what the file says."""
    unit: str = ""
    limits: str = ""
    """What is allowed, e.g. `1 to 3650`."""
    choices: tuple[str, ...] = ()
    needs_password: bool = False
    """Whether changing it needs the settings password."""
    way: str = ""
    """How it is changed where `settings.change` refuses it, e.g. `tpayd devices assign`."""
    row: str = ""
    """The row of docs/features.md that it belongs to."""


class SettingsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for one file's settings."""

    file: SettingsFileName


class SettingsPage(Struct, frozen=True):
    """One file's settings, in its order."""

    file: str
    service: Name
    """Who answers for it."""
    stamp: _Stamp
    restart: tuple[Name, ...]
    """The services that must be restarted for what does not apply at once."""
    settings: tuple[Setting, ...]


class SettingChange(Struct, frozen=True, forbid_unknown_fields=True):
    """One setting's new value."""

    path: _Path
    value: _Value | None = None
    """None: back to its default. Where a text is wanted, what is no TOML is taken as the text itself."""


class ChangeSettings(HidesSecrets, frozen=True, forbid_unknown_fields=True):
    """Change settings of one file: all of them, or none."""

    file: SettingsFileName
    changes: Annotated[tuple[SettingChange, ...], Meta(min_length=1, max_length=CHANGES_MAX)]
    expected: _Stamp | None = None
    """The stamp of the page that was looked at; another one in the file refuses the change (`settings_changed`)."""
    dry_run: bool = False
    password: Password | None = None
    """The settings password, where a setting needs it."""


class AppliedChange(Struct, frozen=True, omit_defaults=True):
    """What became of one setting."""

    path: str
    old: str
    """As TOML; empty: it did not stand in the file."""
    new: str
    applies: Applies = Applies.RESTART


class ChangedSettings(Struct, frozen=True, omit_defaults=True):
    """What was changed, or would be."""

    file: str
    stamp: _Stamp
    changes: tuple[AppliedChange, ...] = ()
    """Empty: the file said so already. At most 64 of them, long values cut."""
    restart: tuple[Name, ...] = ()
    """The services that must be restarted for all of it to count."""
    number: int | None = None
    """Of the version in the history; None if nothing was written."""
    dry_run: bool = False


class SettingsHistoryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Ask for the last versions of a file."""

    file: SettingsFileName
    limit: Annotated[int, Meta(ge=1, le=20)] = 20


class SettingsVersion(Struct, frozen=True):
    """One version of a file."""

    number: int
    at_ms: UnixMs
    by: str
    """A client's name; `by hand`: found in the file."""
    why: str
    changes: tuple[AppliedChange, ...]
    """At most 8 of them, long values cut."""
    in_force: bool
    """Whether the file reads so now."""


class SettingsHistory(Struct, frozen=True):
    """Versions, newest first."""

    file: str
    versions: tuple[SettingsVersion, ...]


class RestoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Put a version of the history back in place, comments and all."""

    file: SettingsFileName
    number: Annotated[int, Meta(ge=1)]
    expected: _Stamp | None = None
    dry_run: bool = False


class ApplyPreset(Struct, frozen=True, forbid_unknown_fields=True):
    """Set one file's part of a preset."""

    file: SettingsFileName
    preset: Literal["recommended", "printed"] = "recommended"
    """`recommended`: what the manual recommends; `printed`: the defaults that it prints."""
    expected: _Stamp | None = None
    dry_run: bool = False


class ClientOptions(Struct, frozen=True):
    """What a store tells its client programs [특수 기능(DLL 환경설정)]."""

    restart_when_down: bool
    """Whether a client module starts the daemon when it finds it down."""
    shared: bool
    """Whether several programs may use one lane."""
    client_keeps_focus: bool
    """Whether the client module keeps its window in front."""
    daemon_keeps_focus: bool
    """Whether the console keeps its window in front."""
    screen: str
    """Resolution that customer and cashier screens scale to, e.g. `1024x768`."""


class Pending(Struct, frozen=True):
    """What should be over before processes are restarted, and must be before the host profile changes."""

    under_way: Count
    """Payments without a verdict."""
    unsettled: Count
    """Payments of which something is still to be done: under way, owed to a customer, or for a person to settle."""
    profile: Name
    lanes: tuple[Lane, ...] = ()
    """Those with a payment under way."""


SETTINGS_SHOW = Op("settings.show", SettingsQuery, SettingsPage, right=Right.READ_ONLY)
SETTINGS_CHANGE = Op("settings.change", ChangeSettings, ChangedSettings, right=Right.ADMIN)
SETTINGS_HISTORY = Op("settings.history", SettingsHistoryQuery, SettingsHistory, right=Right.READ_ONLY)
SETTINGS_RESTORE = Op("settings.restore", RestoreSettings, ChangedSettings, right=Right.ADMIN)
SETTINGS_PRESET = Op("settings.preset", ApplyPreset, ChangedSettings, right=Right.ADMIN)
PENDING = Op("payment.pending", Empty, Pending, right=Right.READ_ONLY)

SETTINGS_OPS: tuple[Op[Any, Any], ...] = (
    SETTINGS_SHOW, SETTINGS_CHANGE, SETTINGS_HISTORY, SETTINGS_RESTORE, SETTINGS_PRESET,
)  # fmt: skip
"""Answered by every service for the files that it owns."""

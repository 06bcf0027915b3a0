"""An example of every message about settings."""

from __future__ import annotations

from tpayd_contracts import settings
from tpayd_contracts.example_payments import AT_MS, Example
from tpayd_contracts.operation import Empty

__all__ = ["OPTIONS", "SETTINGS"]

_STAMP, _NEXT = "0f1e2d3c4b5a6978", "8796a5b4c3d2e1f0"
_CHANGE = settings.AppliedChange(path="card_wait_s", old="30.0", new="45.0")
_CHANGED = settings.ChangedSettings(
    file="transaction", stamp=_NEXT, changes=(_CHANGE,), restart=("transaction",), number=2
)
OPTIONS = settings.ClientOptions(
    restart_when_down=False, shared=False, client_keeps_focus=True, daemon_keeps_focus=True, screen="1024x768"
)

SETTINGS: dict[str, Example] = {
    settings.SETTINGS_SHOW.name: Example(
        settings.SettingsQuery(file="transaction"),
        settings.SettingsPage(
            file="transaction",
            service="transaction",
            stamp=_STAMP,
            restart=("transaction",),
            settings=(
                settings.Setting(
                    path="card_wait_s",
                    value="30.0",
                    default="30.0",
                    kind=settings.SettingKind.NUMBER,
                    group=settings.SettingGroup.FUNCTIONS,
                    applies=settings.Applies.RESTART,
                    en="How long a customer may take to present a card.",
                    ko="카드 삽입 대기시간",
                    unit="s",
                    limits="above 0, up to 100",
                    row="T24",
                ),
            ),
        ),
    ),
    settings.SETTINGS_CHANGE.name: Example(
        settings.ChangeSettings(
            file="transaction",
            changes=(settings.SettingChange(path="card_wait_s", value="45.0"),),
            expected=_STAMP,
        ),
        _CHANGED,
    ),
    settings.SETTINGS_HISTORY.name: Example(
        settings.SettingsHistoryQuery(file="transaction"),
        settings.SettingsHistory(
            file="transaction",
            versions=(
                settings.SettingsVersion(
                    number=2, at_ms=AT_MS, by="cli", why="settings.change", changes=(_CHANGE,), in_force=True
                ),
            ),
        ),
    ),
    settings.SETTINGS_RESTORE.name: Example(
        settings.RestoreSettings(file="transaction", number=1),
        settings.ChangedSettings(
            file="transaction",
            stamp=_STAMP,
            changes=(settings.AppliedChange(path="card_wait_s", old="45.0", new="30.0"),),
            restart=("transaction",),
            number=3,
        ),
    ),
    settings.SETTINGS_PRESET.name: Example(
        settings.ApplyPreset(file="store", dry_run=True),
        settings.ChangedSettings(
            file="store",
            stamp=_NEXT,
            changes=(
                settings.AppliedChange(path="client.shared", old="false", new="true", applies=settings.Applies.NOW),
            ),
            dry_run=True,
        ),
    ),
    settings.PENDING.name: Example(Empty(), settings.Pending(under_way=1, unsettled=2, profile="test", lanes=("1",))),
}

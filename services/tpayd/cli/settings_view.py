"""How settings and their changes are shown to a person."""

from __future__ import annotations

from collections.abc import Sequence

from tpayd.cli.output import Output
from tpayd_client.types import Applies, ChangedSettings, Setting

__all__ = ["note", "short", "tell_changes", "tell_setting"]

_CELL_CHARS = 60


def tell_changes(output: Output, done: Sequence[ChangedSettings], services: Sequence[str], *, restarted: bool) -> None:
    """What was changed, and what is left to do for it to count."""
    for changed in done:
        for change in changed.changes:
            when = "" if change.applies is Applies.NOW else " (at restart)"
            output.line(f"{changed.file}.{change.path}: {change.old or '-'} -> {change.new or '-'}{when}")
    if not any(changed.changes for changed in done):
        output.line("nothing to change: the files say so already")
    elif any(changed.dry_run for changed in done):
        output.line("nothing was changed (--dry-run)")
    elif services and restarted:
        output.line(f"restarted: {', '.join(services)}")
    elif services:
        output.line(f"counts when restarted: {', '.join(services)}; use --restart, or `tpayd down` and `tpayd up`")


def note(setting: Setting) -> str:
    """What does not count yet, and what its change needs."""
    notes = []
    if setting.in_force is not None:
        notes.append(f"runs with {setting.in_force} until restarted")
    if setting.needs_password:
        notes.append("needs the settings password")
    if setting.way:
        notes.append(f"change: {setting.way}")
    return "; ".join(notes)


def tell_setting(output: Output, name: str, setting: Setting) -> None:
    """All about one setting."""
    output.line(name, style="bold")
    allowed = " | ".join(setting.choices) or setting.limits
    lines = {
        "value": setting.value, "default": "none" if setting.default is None else setting.default,
        "allowed": allowed, "unit": setting.unit, "meaning": setting.en, "": setting.ko,
        "counts": "at once" if setting.applies is Applies.NOW else "at restart", "note": note(setting),
        "row": f"{setting.row} of docs/features.md" if setting.row else "",
    }  # fmt: skip
    for word, text in lines.items():
        if text:
            output.line(f"  {word:<8} {text}")


def short(value: str) -> str:
    """A value in a table; `tpayd settings show` has it whole."""
    return value if len(value) <= _CELL_CHARS else f"{value[: _CELL_CHARS - 1]}…"

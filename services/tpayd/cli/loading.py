"""Loads a command when it is used, so that a lane PC without the store's packages has those that it can run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit

__all__ = ["CommandEntry", "LazyGroup"]

_OURS = ("tpayd", "tpayd_client", "tpayd_contracts")


@dataclass(frozen=True)
class CommandEntry:
    """Where a command is, and what the list of commands says of it."""

    place: str
    """`module:name` below tpayd.cli.commands."""
    help: str
    section: str


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def __init__(self, *arguments: Any, entries: Mapping[str, CommandEntry] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._entries = entries or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.place.partition(":")
        try:
            command = getattr(importlib.import_module(f"tpayd.cli.commands.{module}"), name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing in _OURS or not missing:
                raise
            raise CommandError(
                f"`{ctx.command_path} {cmd_name}` is for the store's own machine and needs more packages ({missing} is "
                "missing): pip install 'tpayd[store]'",
                Exit.NOT_INSTALLED,
            ) from None
        return cast("click.Command", command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self._entries.items():
            sections.setdefault(entry.section, []).append((name, entry.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)

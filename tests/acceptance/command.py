"""Runs `tpayd` for one instance, and says what it runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness.command_line import tpayd

__all__ = ["Command", "CommandFailedError"]


class CommandFailedError(Exception):
    """A command did not do what it was told to; the text is what it said."""


@dataclass(frozen=True)
class Command:
    """A user of the store in `home` at the keyboard. `say` shows each command."""

    home: Path
    say: Callable[[str], None]

    def run(self, *words: str, stdin: str = "") -> Any:
        """Run it with --json and give back its document. Raises CommandFailedError."""
        self.say(f"$ tpayd {shlex.join(words)}")
        said = tpayd(*words, "--json", home=self.home, stdin=stdin)
        if said.status:
            raise CommandFailedError(f"tpayd {shlex.join(words)}: {(said.err or said.out).strip()}")
        return said.json if said.out.strip() else None

"""What others must not read on a command line or in a shell's history: it is typed at a prompt, or read from a file."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output

__all__ = ["STDIN", "first_line", "prompted"]

STDIN = Path("-")
_MAX_BYTES = 1024


def prompted(output: Output, question: str, *, otherwise: str, twice: bool = False) -> str:
    """What a person types. Raises CommandError where nobody is there; `otherwise` says what to do then."""
    if not output.live:
        raise CommandError(otherwise, Exit.USAGE, code="usage")
    typed: str = click.prompt(question, hide_input=True, confirmation_prompt=twice)
    return typed


def first_line(file: Path) -> str:
    """The first line of a file, or of standard input. Raises CommandError."""
    try:
        with click.open_file(str(file), "r", encoding="utf-8") as opened:
            line = opened.readline(_MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        # The decoder's own text quotes what it read.
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(f"{file} cannot be read: {why}", Exit.USAGE, code="usage") from None
    return str(line).rstrip("\r\n")

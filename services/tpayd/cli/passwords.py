"""Where a command gets a password from: a hidden prompt or a file, never the command line, which others can read."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output

__all__ = ["password_file_option", "password_from"]

_MAX_BYTES = 1024

password_file_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the settings password from the first line of this file ('-': standard input) instead of asking.",
)


def password_from(output: Output, file: Path | None, question: str, *, twice: bool = False) -> str:
    """The first line of `file`, else what is typed. Raises CommandError."""
    if file is None:
        if not output.live:
            raise CommandError("nobody is there to type the password: name a file with it", Exit.USAGE, code="usage")
        typed: str = click.prompt(question, hide_input=True, confirmation_prompt=twice)
        return typed
    try:
        with click.open_file(str(file), "r", encoding="utf-8") as opened:
            line = opened.readline(_MAX_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        # The decoder's own text quotes what it read.
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CommandError(f"{file} cannot be read: {why}", Exit.USAGE, code="usage") from None
    return str(line).rstrip("\r\n")

"""Where a command gets a password from: a hidden prompt or a file, never the command line, which others can read."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.output import Output
from tpayd.cli.typed import first_line, prompted

__all__ = ["password_file_option", "password_from"]

_OTHERWISE = "nobody is there to type the password: name a file with it"

password_file_option = click.option(
    "--password-file",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Read the settings password from the first line of this file ('-': standard input) instead of asking.",
)


def password_from(output: Output, file: Path | None, question: str, *, twice: bool = False) -> str:
    """The first line of `file`, else what is typed. Raises CommandError."""
    if file is None:
        return prompted(output, question, otherwise=_OTHERWISE, twice=twice)
    return first_line(file)

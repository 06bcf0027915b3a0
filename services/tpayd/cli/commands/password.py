"""`tpayd password`: the settings password."""

from __future__ import annotations

from pathlib import Path

import click

from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.passwords import password_file_option, password_from
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd_client import TpaydError

__all__ = ["password"]


@click.group()
def password() -> None:
    """The settings password, which changing fraud-cancel prevention asks for (`tpayd settings set`, `tpayd terminal`).

    \b
    Examples:
      tpayd password set
      tpayd password set --password-file new.txt --old-password-file old.txt
    """


@password.command("set")
@password_file_option
@click.option("--old-password-file", type=click.Path(path_type=Path, allow_dash=True),
              help="Read the old password from this file instead of asking.")  # fmt: skip
@connection_options
@json_option
@pass_output
def set_(output: Output, gateway: Gateway, password_file: Path | None, old_password_file: Path | None) -> int:
    """Set the first password, or another one, which needs the old one. 8 to 128 characters."""
    body = {"new": password_from(output, password_file, "New settings password", twice=True)}
    if old_password_file is not None:
        body["old"] = password_from(output, old_password_file, "")
    with open_pos(gateway) as pos:
        try:
            pos.call("password.set", body)
        except TpaydError as error:
            if error.field != "$.old" or not output.live:
                raise
            body["old"] = password_from(output, None, "Old settings password")
            pos.call("password.set", body)
    output.result({"set": True}, lambda: output.line("the settings password is set", style="green"))
    return Exit.OK

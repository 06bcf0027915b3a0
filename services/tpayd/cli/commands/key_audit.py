"""`tpayd keys audit`: check the audit chain of the key store, and show it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output

if TYPE_CHECKING:
    from tpayd.key_manager.verify_audit import Checked

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """What happened to which key, in a chain that nobody can change unseen.

    \b
    Examples:
      tpayd keys audit verify
      tpayd keys audit show --last 20
      tpayd keys audit verify --log /backup/key_manager.jsonl
    """


@audit.command()
@click.option("--log", "logs", multiple=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Compare with this log file instead of the instance's own; may be repeated.")  # fmt: skip
@json_option
@pass_output
def verify(output: Output, logs: tuple[Path, ...]) -> int:
    """Check every link, the signed head with the number of entries, and the heads that the logs know.

    Works on the files, while the daemon runs or not, and needs the secrets directory. An entry that was changed, moved,
    added or taken out, also at the end, is told with its place. Exit status 1 if the chain does not hold.
    """
    found = _checked(logs)
    problem = found.report.problem or found.log_problem
    data = {
        "holds": found.holds, "entries": found.report.count, "problem": problem, "compared_with_log": found.logged,
    }  # fmt: skip

    def show() -> None:
        if problem is None:
            output.line(f"the audit chain holds: {found.report.count} entries, {found.logged} of the log compared")
        else:
            output.line(f"the audit chain is broken after {found.report.count} entries: {problem}", style="bold red")
            output.line("settle what is open, stop, keep data/keys/ as evidence, and begin anew: docs/keys.md")

    output.result(data, show)
    return Exit.OK if found.holds else Exit.NO


@audit.command()
@click.option("--last", type=click.IntRange(min=1), default=50, show_default=True, help="So many entries at most.")
@json_option
@pass_output
def show(output: Output, last: int) -> None:
    """The entries, oldest first: when, what, which key. Whether they hold, `tpayd keys audit verify` says."""
    entries = _checked(()).entries[-last:]
    rows = [(str(entry.number), _moment(entry.at_ms), entry.event, entry.key_id, entry.detail) for entry in entries]
    data = {
        "entries": [
            {"number": entry.number, "at_ms": entry.at_ms, "event": entry.event, "key_id": entry.key_id,
             "detail": entry.detail}
            for entry in entries
        ]
    }  # fmt: skip
    output.result(data, lambda: output.table(("NO", "AT", "EVENT", "KEY", "DETAIL"), rows))


def _checked(logs: tuple[Path, ...]) -> Checked:
    """The chain of the store on this machine."""
    try:
        # Only here: a lane's PC has the client alone.
        from tpayd.cli.house import open_house  # noqa: PLC0415
        from tpayd.key_manager.errors import KeyManagerError  # noqa: PLC0415
        from tpayd.key_manager.verify_audit import verify_instance  # noqa: PLC0415
        from tpayd.kit.settings import SettingsError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise CommandError("the audit chain is checked on the store's own machine", Exit.USAGE) from None
    try:
        return verify_instance(open_house().instance, logs)
    except (KeyManagerError, SettingsError, OSError) as error:
        raise CommandError(f"not checked: {error}", Exit.FAILED) from error


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000).astimezone().isoformat(sep=" ", timespec="seconds")

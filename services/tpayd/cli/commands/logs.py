"""`tpayd logs`: the logs of all processes, read here, and sent to the vendor [시스템 로그 전송] (T18)."""

from __future__ import annotations

import click

from tpayd.cli.loading import CommandEntry, LazyGroup

__all__ = ["logs"]

_DEFAULT = "show"
_HERE, _VENDOR = "On this machine", "To the vendor, and at the vendor's"
_COMMANDS = {
    "show": CommandEntry("logs_show:show", "Show the logs in order of time; `tpayd logs` alone does that.", _HERE),
    "check": CommandEntry("logs_check:check", "Prove that no card data is in the logs.", _HERE),
    "scrub": CommandEntry("logs_check:scrub", "Write over what a check has found.", _HERE),
    "ship": CommandEntry("logs_ship:ship", "Send the logs to the vendor, encrypted to his key.", _VENDOR),
    "status": CommandEntry("logs_ship:status", "Show what waits, what was sent, and what is kept.", _VENDOR),
    "check-destination": CommandEntry(
        "logs_destination:check_destination_command", "Try the vendor's server; shows the key to be pinned.", _VENDOR
    ),
    "new-key": CommandEntry("logs_open:new_key", "Make the key that opens bundles; for the vendor.", _VENDOR),
    "open": CommandEntry("logs_open:open_", "Open and check a bundle; for the vendor.", _VENDOR),
}


class _Logs(LazyGroup):
    """`tpayd logs gateway -f` is `tpayd logs show gateway -f`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.list_commands(ctx) and args[0] not in ("-h", "--help")):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Logs, entries=_COMMANDS)
def logs() -> None:
    """Show the logs of all processes, prove that no card data is in them, and send them to the vendor.

    \b
    Examples:
      tpayd logs -n 200 --level warning
      tpayd logs transaction host_link -f
      tpayd logs ship --since 24h --reason "the card is read twice"
      tpayd logs status
    """

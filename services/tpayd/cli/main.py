"""The list of commands, and how any of them ends."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback

import click

from tpayd import __version__
from tpayd.cli.errors import CommandError, OutputLostError
from tpayd.cli.exits import Exit
from tpayd.cli.loading import CommandEntry, LazyGroup
from tpayd.cli.output import Output, json_option
from tpayd.cli.ownership import act_as_owner

__all__ = ["main", "tpayd"]

_STORE, _PAY, _SETUP, _BOOKS = "The store's machine", "Payments", "Clients, readers and keys", "The books"

_COMMANDS = {
    "init": CommandEntry("init:init", "Make a new instance; --sandbox for one without hardware.", _STORE),
    "up": CommandEntry("up:up", "Start the daemon.", _STORE),
    "down": CommandEntry("down:down", "End it in order; payments under way finish.", _STORE),
    "status": CommandEntry("status:status", "Show processes, host line and readers.", _STORE),
    "wait-ready": CommandEntry("wait_ready:wait_ready", "Wait until every process is ready.", _STORE),
    "update": CommandEntry("update:update", "Look for releases and go over to them, or back.", _STORE),
    "doctor": CommandEntry("doctor:doctor", "Say what is wrong with this store, and what to do.", _STORE),
    "logs": CommandEntry("logs:logs", "Show the logs of all processes; send them to the vendor.", _STORE),
    "install-service": CommandEntry("service:install_service", "Start the daemon at boot, by systemd.", _STORE),
    "uninstall-service": CommandEntry("service:uninstall_service", "Start it at boot no more.", _STORE),
    "users": CommandEntry("users:users", "Give each process a user of its own, as root.", _STORE),
    "metrics": CommandEntry("metrics:metrics", "Show metrics; set up Prometheus and Grafana.", _STORE),
    "sale": CommandEntry("sale:sale", "Take a card payment, step by step.", _PAY),
    "void": CommandEntry("void:void", "Give a payment back.", _PAY),
    "cash-receipt": CommandEntry("cash_receipt:cash_receipt", "Issue a cash receipt, and take it back.", _PAY),
    "cash-ic": CommandEntry("cash_ic:cash_ic", "Pay from a bank account by chip card and PIN.", _PAY),
    "simple-pay": CommandEntry("simple_pay:simple_pay", "Take a payment by the code that a wallet shows.", _PAY),
    "membership": CommandEntry("membership:membership", "Read a membership card.", _PAY),
    "payment": CommandEntry("payment:payment", "Ask for, abort or acknowledge a payment; print its receipt.", _PAY),
    "standalone": CommandEntry("standalone:standalone", "Take payments without a POS.", _PAY),
    "explain": CommandEntry("explain:explain", "Tell the story of a payment, step by step.", _PAY),
    "reversals": CommandEntry("reversals:reversals", "See what must be taken back, and settle it by hand.", _PAY),
    "client": CommandEntry("client:client", "Add, list and remove the POS clients that may connect.", _SETUP),
    "pool": CommandEntry("pool:pool", "Show the pools of readers, and how fair they are.", _SETUP),
    "devices": CommandEntry("devices:devices", "Find, list, add, test and remove card readers and pads.", _SETUP),
    "firmware": CommandEntry("firmware:firmware", "Bring card readers newer firmware.", _SETUP),
    "keys": CommandEntry("keys:keys", "Exchange keys with the host, and list them.", _SETUP),
    "integrity": CommandEntry("integrity:integrity", "Check files and readers; sign the installation.", _SETUP),
    "terminal": CommandEntry("terminal:terminal", "Open terminals with the host; refuse unopened ones.", _SETUP),
    "merchant": CommandEntry("merchant:merchant", "Fetch and show merchant info.", _SETUP),
    "settings": CommandEntry("settings:settings", "See and change the settings; go back to earlier ones.", _SETUP),
    "password": CommandEntry("password:password", "Set the settings password.", _SETUP),
    "totals": CommandEntry("totals:totals", "Show what a business day amounts to.", _BOOKS),
    "close": CommandEntry("close:close", "Close a business day: compare it with the card host and the tills.", _BOOKS),
    "journal": CommandEntry("journal:journal", "Check, move, purge and export the journal of all payments.", _BOOKS),
    "backup": CommandEntry("backup:backup", "Back up this instance while it sells; restore it.", _BOOKS),
    "sandbox": CommandEntry("sandbox:sandbox", "Tell the virtual host and readers what to do.", "Sandbox"),
}


_OF_ROOT = frozenset({"install-service", "uninstall-service", "users"})
"""What root does as root, also for an instance of somebody else's."""


@click.group(cls=LazyGroup, entries=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tpayd")
@json_option
@click.pass_context
def tpayd(context: click.Context) -> None:
    """An open payment daemon for stores: many lanes, one pool of card readers, one verdict per sale.

    \b
    A store without hardware, and a sale in it:
      export TPAYD_HOME=~/tpayd-sandbox
      tpayd init --sandbox
      tpayd integrity sign
      tpayd up
      tpayd keys exchange --all
      tpayd wait-ready
      tpayd sale 11000
      tpayd down

    Each command explains itself: tpayd COMMAND --help. Exit statuses: 0 done or PAID, 1 NOT PAID or not ready, 2 wrong
    use, 3 not known yet, 4 not running, 5 refused, 6 time is up, 7 not installed, 8 failed.
    """
    if context.invoked_subcommand not in _OF_ROOT:
        act_as_owner()


def main(arguments: list[str] | None = None) -> None:
    """Run `tpayd` and exit with a status of `Exit`."""
    output = Output()
    try:
        status = tpayd.main(arguments, prog_name="tpayd", standalone_mode=False, obj=output)
    except CommandError as error:
        _complain(output, error.message, error.code)
        status = error.status
    except click.ClickException as error:
        if output.as_json:
            _complain(output, error.format_message(), "usage")
        else:
            error.show()
        status = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        _complain(output, "interrupted", "interrupted")
        status = 130
    except OutputLostError as lost:
        _forget_output()
        if lost.is_worth_a_word:
            with contextlib.suppress(OSError):
                click.echo(f"tpayd: {lost}", err=True)
        status = Exit.UNKNOWN
    except OSError as error:
        _complain(output, f"{error.filename or 'this machine'}: {error.strerror or error}", "storage_failed")
        status = Exit.FAILED
    except Exception:  # (Python's own status for it is 1, which says NOT PAID)
        traceback.print_exc()
        status = Exit.UNKNOWN
    sys.exit(int(status) if isinstance(status, int) else Exit.OK)


def _forget_output() -> None:
    """What is still kept for it is not tried again at the end: Python would end with a status of its own."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _complain(output: Output, message: str, code: str) -> None:
    if output.as_json:
        click.echo(json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False, indent=2))
    else:
        click.echo(f"tpayd: {message}", err=True)

"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

import click

from tpayd.cli.exits import Exit

__all__ = ["CommandError", "exit_for"]


class CommandError(click.ClickException):
    """A sentence with a way out, a stable code for scripts, and the exit status."""

    def __init__(self, message: str, status: Exit, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or status.name.lower()


_BY_CODE = {
    "bad_message": Exit.USAGE,
    "invalid_body": Exit.USAGE,
    "unknown_op": Exit.USAGE,
    "too_large": Exit.USAGE,
    "unavailable": Exit.NOT_RUNNING,
    "draining": Exit.NOT_RUNNING,
    "timeout": Exit.TIMEOUT,
    "expired": Exit.TIMEOUT,
    "unsupported_version": Exit.REFUSED,
    "hello_required": Exit.REFUSED,
    "not_permitted": Exit.REFUSED,
    "lane_not_yours": Exit.REFUSED,
    "busy": Exit.REFUSED,
    "not_found": Exit.REFUSED,
    "lane_busy": Exit.REFUSED,
    "key_conflict": Exit.REFUSED,
    "not_refundable": Exit.REFUSED,
    "claimed": Exit.REFUSED,
    "too_late": Exit.REFUSED,
    "terminal_not_open": Exit.REFUSED,
    "settings_changed": Exit.REFUSED,
    "unsettled": Exit.REFUSED,
}


def exit_for(code: str, outcome: str) -> Exit:
    """The exit status for an error of the contract; its outcome comes first, since money may hang on it."""
    if outcome == "unknown":
        return Exit.UNKNOWN
    return _BY_CODE.get(code, Exit.FAILED)

"""How a command ends when it cannot do what was asked."""

from __future__ import annotations

import click

from tpayd.cli.exits import Exit

__all__ = ["CommandError", "OutputLostError", "exit_for"]


class CommandError(click.ClickException):
    """A sentence with a way out, a stable code for scripts, and the exit status."""

    def __init__(self, message: str, status: Exit, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code or status.name.lower()


class OutputLostError(Exception):
    """What a command had to say was told to nobody: its output is full, or whoever read it went away.

    It ends with `Exit.UNKNOWN`, and never with the status of a verdict that nobody has seen.
    """

    def __init__(self, cause: OSError, way_out: str = "") -> None:
        why = cause.strerror or type(cause).__name__
        super().__init__(f"the output could not be written ({why}){way_out and '; '}{way_out}")
        self.cause = cause
        self.is_worth_a_word = bool(way_out) or not isinstance(cause, BrokenPipeError)
        """Not where a pager was closed, say."""


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

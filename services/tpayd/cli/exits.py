"""Exit statuses of `tpayd`, for scripts. docs/operations.md prints this table."""

from __future__ import annotations

import enum

__all__ = ["Exit"]


class Exit(enum.IntEnum):
    """What a command's end says."""

    OK = 0
    """Done; a sale: PAID."""
    NO = 1
    """Done, and the answer is no: NOT PAID, or not ready."""
    USAGE = 2
    """The command line, a settings file or a value in it is wrong; nothing was done."""
    UNKNOWN = 3
    """WAIT: the outcome is not known yet. Ask again with `tpayd payment status`; never send a second sale.

    So end commands whose output could not be written, too."""
    NOT_RUNNING = 4
    """The daemon, or the part of it that was needed, cannot be reached; nothing was done."""
    REFUSED = 5
    """The daemon understood and refused: right, lane, state, or a file of somebody else's."""
    TIMEOUT = 6
    """Not done within the time given."""
    NOT_INSTALLED = 7
    """This command needs `pip install 'tpayd[store]'`."""
    FAILED = 8
    """It was tried and failed, without effect on money."""

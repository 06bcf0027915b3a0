"""What a process asks of the Linux kernel for itself: to die with its parent, and to leave no memory image behind."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

__all__ = ["OrphanedError", "end_with_parent", "forbid_memory_images", "take_turns"]

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


class OrphanedError(Exception):
    """The parent had died before this process could ask to be told."""


def end_with_parent() -> None:
    """Have SIGTERM sent to this process when its parent dies (prctl(2), PR_SET_PDEATHSIG).

    A killed supervisord would otherwise leave orphans that hold the locks of those it starts next. The kernel tells
    of deaths to come only: raises OrphanedError if the parent is gone already.
    """
    parent = os.getppid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent or (os.environ.get("SUPERVISOR_ENABLED") and not _in_session_of(parent)):
        raise OrphanedError("the supervisor that started this process has died")


def forbid_memory_images() -> None:
    """No core file, and no look into this process's memory for others of the same user: it may hold card data, keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _prctl(_PR_SET_DUMPABLE, 0)


def take_turns() -> None:
    """Let whoever runs finish its turn before this process gets the CPU (sched(7), SCHED_BATCH).

    A sale crosses the house some sixteen times, and each message wakes somebody. Where every wake-up interrupts whoever
    was working, a loaded store spends a fifth of its CPU on switching; in turns, each process finds all that has come
    in meanwhile and answers it together. Where a CPU is free nothing changes.
    """
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _in_session_of(parent: int) -> bool:
    """Whether `parent` shares our session. Supervisord's children do; whoever adopted an orphan does not."""
    try:
        return os.getsid(0) == os.getsid(parent)
    except OSError:
        return False


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")

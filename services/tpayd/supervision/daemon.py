"""Starts and ends an instance as a whole: the launcher, and through it everything else."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tpayd.kit.instance import Instance
from tpayd.supervision.conf import conf_file, socket_file, write_conf
from tpayd.supervision.outside import base_python, launcher_outside, note_release
from tpayd.supervision.processes import processes_of
from tpayd.supervision.programs import Program
from tpayd.supervision.supervisord import KILL_WAIT_S

if TYPE_CHECKING:
    from tpayd.supervision.control import ProcessInfo

__all__ = ["DaemonError", "end", "launcher_command", "launcher_pid", "left_behind", "settle_places", "start"]

START_WAIT_S = 30.0
"""For the bytecode to be made (`private_bytecode.WARM_UP_MAX_S`), and for supervisor to answer."""
_KILL_WAIT_S = 3 * KILL_WAIT_S
_POLL_S = 0.2
_LOOK_S = 0.02
"""For supervisor's socket, which is there within tenths of a second."""
_LAUNCHER_LOG_MAX_BYTES = 1024 * 1024
"""It has a few lines for each start; looked at when a launcher is started."""


class DaemonError(Exception):
    """The instance could not be started or ended as a whole; the message says where to look."""


def launcher_pid(instance: Instance) -> int | None:
    """The launcher's process id, or None if none runs. Its lock tells, not its pid file: a pid may be another's."""
    try:
        with (instance.run / "launcher.pid").open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                text = file.read().strip()
                return int(text) if text else None
    except FileNotFoundError:
        pass
    return None


def launcher_command(instance: Instance, *options: str) -> list[str]:
    """How the launcher is started: a copy outside all releases, by the system's Python. Raises DaemonError."""
    try:
        note_release(instance)
        outside = launcher_outside(instance)
    except (OSError, ValueError) as error:
        raise DaemonError(f"{instance.home} does not take the launcher: {error}") from error
    places = {"home": instance.home, "run": instance.run, "log": instance.log, "conf": conf_file(instance),
              "python": Path(sys.executable)}  # fmt: skip
    named = [text for name, path in places.items() for text in (f"--{name}", str(path))]
    return [base_python(), "-I", "-B", str(outside), *named, *options]


def start(instance: Instance, programs: Sequence[Program], wait_s: float = START_WAIT_S) -> list[ProcessInfo]:
    """Start the launcher in the background and return when supervisor runs. Raises DaemonError, InstanceError."""
    settle_places(instance)
    write_conf(instance, programs)
    deadline = time.monotonic() + wait_s
    launching = _launch(instance, "--detach")
    # Imported while the launcher starts: HTTP and XML are a fifth of what this imports.
    from tpayd.supervision.control import Supervisor, SupervisorGoneError  # noqa: PLC0415

    launching.wait(wait_s)
    supervisor = Supervisor(socket_file(instance))
    while True:
        try:
            return supervisor.processes()
        except SupervisorGoneError:
            if launcher_pid(instance) is None or time.monotonic() > deadline:
                end(instance, 0.0, lambda: None)
                raise DaemonError(f"supervisor did not start: {_complaint(instance)}") from None
            time.sleep(_LOOK_S)


def settle_places(instance: Instance) -> None:
    """Give each process its places, where each has a user of its own. Raises InstanceError."""
    if instance.users is not None:
        # Seldom needed, and heavy.
        from tpayd.supervision.separation import settle  # noqa: PLC0415

        settle(instance)


def end(instance: Instance, limit_s: float, on_wait: Callable[[], None]) -> bool:
    """End everything in order; after `limit_s` kill what is left. True if all ended by itself.

    `on_wait` is called now and then. Raises DaemonError if something survives SIGKILL.
    """
    pid = launcher_pid(instance)
    child = _launch(instance, "--end") if pid is None else None
    in_order = True
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(child.pid if child else pid or 0)
        try:
            if child is None:
                _send(pidfd, signal.SIGTERM)
            if not _wait(pidfd, limit_s, on_wait):
                in_order = False
                _send(pidfd, signal.SIGQUIT)
                _wait(pidfd, _KILL_WAIT_S, on_wait)
        finally:
            os.close(pidfd)
    if child is not None:
        child.wait(_KILL_WAIT_S)
    if left := left_behind(instance):
        raise DaemonError(f"still running after SIGKILL: {', '.join(map(str, left))}")
    return in_order


def left_behind(instance: Instance) -> list[int]:
    """Ids of processes that run under this instance's supervisor, or did."""
    return processes_of(instance.home)


def _complaint(instance: Instance) -> str:
    path = instance.log / "supervisord.stderr"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return lines[0] if lines else f"see {instance.log}"


def _launch(instance: Instance, *options: str) -> subprocess.Popen[bytes]:
    path = instance.log / "launcher.jsonl"
    if path.exists() and path.stat().st_size > _LAUNCHER_LOG_MAX_BYTES:
        path.replace(instance.log / "launcher.before.jsonl")
    with path.open("ab") as log:
        return subprocess.Popen(
            launcher_command(instance, *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=instance.home,
            start_new_session=True,
        )


def _send(pidfd: int, number: signal.Signals) -> None:
    """Also continue it, in case somebody has stopped it: a stopped process takes no signal but SIGKILL."""
    for each in (number, signal.SIGCONT):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, each)


def _wait(pidfd: int, limit_s: float, on_wait: Callable[[], None]) -> bool:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    deadline = time.monotonic() + limit_s
    while not poller.poll(int(_POLL_S * 1000)):
        if time.monotonic() > deadline:
            return False
        on_wait()
    return True

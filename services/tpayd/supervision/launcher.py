"""Keeps supervisord alive. Standard library only, so that it starts even where an installation is broken.

    python -I <a copy of this> --home HOME --run RUN --log LOG --conf SUPERVISORD_CONF --python PYTHON

What it does about what it meets:

| what happens                          | what the launcher does                                                  |
|---------------------------------------|-------------------------------------------------------------------------|
| supervisord ends or is killed         | waits until its orphans are gone (they follow it), then starts it again |
| it ends again and again               | waits longer each time, up to `RESTART_WAIT_MAX_S`                      |
| supervisord is stopped (SIGSTOP)      | continues it (SIGCONT) at the second probe in a row without an answer   |
| supervisord runs, and answers nothing | kills it after `HUNG_PROBES` probes, and starts it again                |
| the watchdog is stopped, or hangs     | kills it (`wakefulness`); supervisord starts it again                   |
| supervisord runs already at the start | takes it over: its launcher was killed, and payments are not disturbed  |
| the updater orders another release    | ends all, moves the link, starts the new release on trial               |
| a release on trial fails              | ends all within `BACK_END_S`, moves the link back, starts the old one   |
| SIGTERM or SIGINT                     | ends supervisord and all processes in order, within `STOP_LIMIT_S`      |
| SIGQUIT                               | kills what is left at once                                              |

It runs from a copy in the instance directory, by the system's Python: no release can take away the one that judges it.
Which environment the processes are started from, the link `releases/current` says; it is read once for each start of
supervisord. What becomes of an order, and of a trial, is in `changeover`.

Every process is started with `-I` and with one directory for bytecode, of this launcher's own (`private_bytecode`).

Between a death and the next start no two generations of services run side by side: processes are known by their
command line, so that orphans of an earlier supervisord are found whoever their parent is now.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tpayd.supervision.changeover import Changeover
from tpayd.supervision.private_bytecode import BYTECODE_VARIABLE, PrivateBytecode
from tpayd.supervision.processes import all_processes, processes_of, read_or_nothing
from tpayd.supervision.supervisord import KILL_WAIT_S, Supervisord, answers, drain, wait_readable
from tpayd.supervision.wakefulness import Wakefulness

if TYPE_CHECKING:
    from tpayd.supervision.control import ProcessInfo

__all__ = ["EXIT_ALREADY_RUNNING"]

EXIT_ALREADY_RUNNING = 3

PROBE_EVERY_S = 5.0
CONTINUE_PROBES = 2
HUNG_PROBES = 12
"""A disk that stalls may hold supervisord up for long; the payments under it go on meanwhile."""
RESTART_WAIT_MAX_S = 30.0
HEALTHY_AFTER_S = 60.0
"""After this time the next restart is not waited for."""
ORPHANS_WAIT_S = 10.0
STOP_LIMIT_S = 600.0
"""For all groups of processes, one after the other. `tpayd down` has a limit of its own."""
LOOK_EVERY_S = 0.5
"""Between two looks into the apply journal."""
TRIAL_LOOK_EVERY_S = 0.2
"""While a release is on trial."""
TAKE_END_S = 90.0
"""For the old processes, when a release is gone over to; no payment is under way then."""
BACK_END_S = 1.5
"""For those of a release that failed: what they have not finished by then, the old ones recover."""
PREPARE_MAX_S = 20.0


class Launcher:
    """One instance's launcher: its lock is held, its signals arrive on a pipe."""

    def __init__(self, home: Path, run: Path, log: Path, conf: Path, python: Path) -> None:
        """`conf` was written by the environment of `python`, which is used where no release is noted."""
        self._home = home
        self._own_python = self._prepared_for = python
        own = Path(os.path.realpath(python.parent.parent))
        self._changeover = Changeover(home, own, _note, self._processes)
        self._run = run
        self._log = log
        self._conf = conf
        self._stopping = False
        self._hurry = False
        self._wakeup, self._signalled = os.pipe()
        for end in (self._wakeup, self._signalled):
            os.set_blocking(end, False)
        self._bytecode = PrivateBytecode(run, _note, self._wakeup)
        signal.set_wakeup_fd(self._signalled, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def keep_alive(self) -> None:
        """Run supervisord until told to stop; returns when nothing of it is left."""
        wait_s = 0.0
        while not self._stopping:
            began = time.monotonic()
            supervisord = self._take_over()
            if supervisord is None:
                self._changeover.settle()
                supervisord = self._start()
            if supervisord is None:
                continue
            wanted_away = self._watch(supervisord)
            if self._stopping:
                self._end(supervisord, STOP_LIMIT_S)
            elif wanted_away:
                self._end(supervisord, BACK_END_S if self._changeover.condemned else TAKE_END_S)
            else:
                _note("supervisord.ended", pid=supervisord.pid, after_s=round(time.monotonic() - began, 1))
                self._changeover.ended()
            supervisord.close()
            self._clear_orphans(0.0 if self._changeover.condemned else ORPHANS_WAIT_S)
            if wanted_away or self._changeover.condemned or time.monotonic() - began >= HEALTHY_AFTER_S:
                wait_s = 0.0
            elif not self._stopping:
                self._pause(wait_s)
                wait_s = min(RESTART_WAIT_MAX_S, wait_s * 2 + 1)
        self._bytecode.remove()

    def end(self) -> None:
        """End what an earlier launcher has left running; returns when nothing of it is left."""
        self._stopping = True
        supervisord = self._take_over()
        if supervisord is not None:
            self._end(supervisord, STOP_LIMIT_S)
            supervisord.close()
        self._clear_orphans()
        self._bytecode.remove()

    def _on_stop(self, number: int, _frame: object) -> None:
        self._stopping = True
        self._hurry |= number == signal.SIGQUIT

    def _take_over(self) -> Supervisord | None:
        for pid, entry in all_processes():
            arguments = read_or_nothing(entry / "cmdline").split(b"\0")
            if os.fsencode(self._conf) in arguments and b"supervisor.supervisord" in arguments:
                _note("supervisord.taken_over", pid=pid)
                return Supervisord(pid, _environment(arguments[0]))
        return None

    def _start(self) -> Supervisord | None:
        """Start supervisord from the release in use; None where that turned out to be impossible."""
        self._clear_orphans()
        python = self._python()
        self._bytecode.make(python.parent.parent)
        self._prepare(python)
        if self._changeover.condemned:
            return None
        with (self._log / "supervisord.stderr").open("wb") as complaints:
            child = subprocess.Popen(
                [*self._bytecode.isolated(python), "-m", "supervisor.supervisord", "-c", str(self._conf)],
                env={**os.environ, BYTECODE_VARIABLE: str(self._bytecode.path)},
                stdin=subprocess.DEVNULL,
                stdout=complaints,
                stderr=complaints,
                start_new_session=True,
            )
        _note("supervisord.started", pid=child.pid, python=str(python))
        # While supervisord imports what it needs, on the other processor: 0.1 s of the way to the first sale.
        self._bytecode.unpack()
        return Supervisord(child.pid, _environment(os.fsencode(python)), child)

    def _python(self) -> Path:
        """The interpreter of the release in use."""
        environment = self._changeover.environment()
        if environment is None or environment == _environment(os.fsencode(self._own_python)):
            return self._own_python
        return environment / "bin" / "python"

    def _prepare(self, python: Path) -> None:
        """Have the environment write supervisor's configuration: only it knows which processes it has."""
        if python == self._prepared_for:
            return
        command = [*self._bytecode.isolated(python), "-m", "tpayd.supervision.prepare", "--home", str(self._home)]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
                timeout=PREPARE_MAX_S, start_new_session=True,
            )  # fmt: skip
            problem = "" if done.returncode == 0 else _last_line(done.stderr)
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = str(error)
        if problem:
            _note("release.not_prepared", python=str(python), problem=problem)
            self._changeover.not_prepared(problem)
        else:
            self._prepared_for = python

    def _watch(self, supervisord: Supervisord) -> bool:
        """Return when supervisord has ended, a stop is asked for, or (True) when what runs has to make room."""
        missed = 0
        watchdog = Wakefulness(self._home, _note)
        probe_at = time.monotonic() + PROBE_EVERY_S
        while not self._stopping:
            if self._changeover.condemned or self._changeover.look(supervisord.environment):
                return True
            if supervisord.ended(TRIAL_LOOK_EVERY_S if self._changeover.on_trial else LOOK_EVERY_S, self._wakeup):
                return False
            if self._stopping or time.monotonic() < probe_at:
                continue
            probe_at = time.monotonic() + PROBE_EVERY_S
            if answers(self._run / "super.sock"):
                missed = 0
                watchdog.look()
                continue
            missed += 1
            watchdog.forget()
            if missed >= CONTINUE_PROBES and supervisord.is_stopped():
                _note("supervisord.continued", pid=supervisord.pid)
                supervisord.send(signal.SIGCONT)
            elif missed >= HUNG_PROBES:
                _note("supervisord.hung", pid=supervisord.pid, probes=missed)
                supervisord.send(signal.SIGKILL)
        return False

    def _processes(self) -> list[ProcessInfo]:
        """What supervisord tells of its processes; nothing where it does not answer."""
        # A thirtieth of a second of every start, for what only a trial asks.
        from tpayd.supervision.control import Supervisor, SupervisorGoneError  # noqa: PLC0415

        try:
            return Supervisor(self._run / "super.sock").processes()
        except SupervisorGoneError:
            return []

    def _end(self, supervisord: Supervisord, limit_s: float) -> None:
        _note("supervisord.stopping", pid=supervisord.pid)
        supervisord.send(signal.SIGTERM)
        supervisord.send(signal.SIGCONT)
        deadline = time.monotonic() + limit_s
        while not supervisord.ended(min(1.0, limit_s), self._wakeup):
            if self._hurry or time.monotonic() > deadline:
                _note("supervisord.killed", pid=supervisord.pid)
                supervisord.send(signal.SIGKILL)
                supervisord.ended(KILL_WAIT_S)
                return

    def _clear_orphans(self, wait_s: float = ORPHANS_WAIT_S) -> None:
        """Return when no process of an earlier supervisord lives: they follow it by themselves, else are killed."""
        deadline = time.monotonic() + (0.0 if self._hurry else wait_s)
        give_up = deadline + KILL_WAIT_S
        while orphans := processes_of(self._home):
            if time.monotonic() > deadline:
                _note("orphans.killed", pids=orphans)
                deadline = give_up
                for pid in orphans:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            if time.monotonic() > give_up:
                _note("orphans.left", pids=orphans)
                return
            time.sleep(0.05)

    def _pause(self, wait_s: float) -> None:
        deadline = time.monotonic() + wait_s
        while not self._stopping and (left_s := deadline - time.monotonic()) > 0:
            wait_readable([self._wakeup], left_s)
            drain(self._wakeup)


def _environment(python: bytes) -> Path:
    """The environment that an interpreter belongs to: `bin/python` in it is a link, to be left as it is."""
    return Path(os.path.realpath(Path(os.fsdecode(python)).parent.parent))


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it ended without a word"


def _note(event: str, **fields: object) -> None:
    """One line in the shape of the services' logs."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    print(json.dumps({"time": now, "level": "info", "service": "launcher", "event": event, **fields}), flush=True)


def _write_pid(file: TextIO, pid: int) -> None:
    file.truncate(0)
    print(pid, file=file, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="keeps tpayd's supervisor alive")
    for name in ("home", "run", "log", "conf", "python"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--detach", action="store_true", help="go into the background once no other launcher can start")
    mode.add_argument("--end", action="store_true", help="end what runs without a launcher, instead of starting it")
    told = parser.parse_args()
    with (told.run / "launcher.pid").open("a+") as pid_file:
        try:
            fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _note("launcher.refused", problem="another launcher runs for this instance")
            return EXIT_ALREADY_RUNNING
        # The lock stays with the copy in the background: it belongs to the open file that both have.
        if told.detach and (child := os.fork()):
            _write_pid(pid_file, child)
            os._exit(0)
        if told.detach:
            os.setsid()
        else:
            _write_pid(pid_file, os.getpid())
        launcher = Launcher(told.home, told.run, told.log, told.conf, told.python)
        if told.end:
            launcher.end()
        else:
            launcher.keep_alive()
        pid_file.truncate(0)
    _note("launcher.stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

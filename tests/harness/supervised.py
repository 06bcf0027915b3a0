"""A store under its launcher and supervisor, as `tpayd up` starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.harness.base import ALL_SERVICES, StoreBase
from tests.harness.waiting import eventually
from tpayd.supervision.conf import socket_file, write_conf
from tpayd.supervision.control import ProcessInfo, ProcessState, Supervisor, SupervisorGoneError
from tpayd.supervision.daemon import end, launcher_command, launcher_pid, start
from tpayd.supervision.programs import programs

_END_LIMIT_S = 60.0


class SupervisedStore(StoreBase):
    """An instance whose launcher is started by `with`, and ended after it; supervisor runs `services`."""

    def __init__(
        self,
        directory: Path,
        *,
        services: Sequence[str] = ALL_SERVICES,
        lanes: int = 2,
        readers: int = 2,
        settings: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        super().__init__(directory, lanes=lanes, readers=readers, settings=settings)
        self.programs = tuple(program for program in programs(sandbox=True) if program.name in services)

    def __enter__(self) -> Self:
        try:
            self.up()
        except BaseException:
            self._clear()
            raise
        return self

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(socket_file(self.instance))

    def running(self) -> tuple[str, ...]:
        return tuple(program.name for program in self.programs)

    def up(self) -> None:
        """`tpayd up`: start a launcher."""
        start(self.instance, self.programs)

    @contextlib.contextmanager
    def with_conf(self, change: Callable[[str], str]) -> Iterator[None]:
        """Started with a changed supervisor configuration."""
        conf = write_conf(self.instance, self.programs)
        conf.write_text(change(conf.read_text(encoding="utf-8")), encoding="utf-8")
        with (self.instance.log / "launcher.jsonl").open("ab") as log:
            child = subprocess.Popen(launcher_command(self.instance), stdout=log, stderr=log)
        try:
            yield
        finally:
            self._clear()
            child.wait()

    def process(self, service: str) -> ProcessInfo:
        """A process as supervisor sees it now."""
        return next(process for process in self.supervisor.processes() if process.name == service)

    @property
    def launcher_pid(self) -> int:
        """The launcher's process id. Fails if none runs."""
        pid = launcher_pid(self.instance)
        assert pid is not None
        return pid

    def supervisord_pid(self) -> int:
        """Supervisord's process id; 0 while it does not answer."""
        try:
            return self.supervisor.pid()
        except SupervisorGoneError:
            return 0

    def kill_supervisord(self) -> None:
        """SIGKILL supervisord, and wait until another one runs: what answers before that may be its orphans.

        Raises SupervisorGoneError.
        """
        before = self.supervisor.pid()
        os.kill(before, signal.SIGKILL)
        eventually(lambda: self.supervisord_pid() not in (0, before), timeout_s=60, what="another supervisord")

    def state(self, service: str) -> ProcessState | None:
        """A process's state; None while supervisor does not answer."""
        try:
            return self.process(service).state
        except SupervisorGoneError:
            return None

    def pid(self, service: str) -> int:
        """A running service's process id."""
        info = eventually(
            lambda: (found := self.process(service)).state is ProcessState.RUNNING and found,
            timeout_s=30,
            what=f"{service} running",
        )
        assert isinstance(info, ProcessInfo)
        return info.pid

    def kill(self, service: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a service a signal; returns its process id."""
        pid = self.pid(service)
        os.kill(pid, number)
        return pid

    def wait_restarted(self, service: str, before: int, *, timeout_s: float = 60.0) -> int:
        """Wait until the service runs with another process id than `before`; returns it."""
        return eventually(
            lambda: (pid := self.process(service).pid) not in (0, before) and pid,
            timeout_s=timeout_s,
            what=f"{service} restarted",
        )

    def forgive_crashes(self) -> None:
        """Forget that services died lately: who kills them again and again does not want them to wait for it."""
        for record in self.instance.run.glob("*.starts"):
            record.unlink(missing_ok=True)

    def down(self, limit_s: float = _END_LIMIT_S) -> bool:
        """`tpayd down`: whether all ended in order."""
        return end(self.instance, limit_s, lambda: None)

    def _clear(self) -> None:
        pid = launcher_pid(self.instance)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
                os.kill(pid, signal.SIGCONT)
        eventually(lambda: launcher_pid(self.instance) is None, timeout_s=30, what="the launcher's end")
        super()._clear()

"""Asks the running supervisor, over its private socket."""

from __future__ import annotations

import enum
import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ProcessInfo", "ProcessState", "Supervisor", "SupervisorGoneError"]

_ANSWER_WAIT_S = 5.0
_SHUTDOWN_STATE = 6
"""Fault code of supervisor's XML-RPC interface."""


class SupervisorGoneError(Exception):
    """Supervisor does not run, does not answer in time, or is going down."""


class ProcessState(enum.StrEnum):
    """Supervisor's own names for a process's state."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    """It ended too soon after its start, and is tried again."""
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    """It ended too soon too often; the watchdog starts it again after a while."""
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class ProcessInfo:
    """One process as supervisor sees it."""

    name: str
    state: ProcessState
    pid: int
    """0 where it does not run."""
    uptime_s: int
    detail: str
    ended_s: int = 0
    """Unix time at which it ended last; 0: never yet."""


class Supervisor:
    """The supervisor behind one control socket. Each call opens its own connection and waits 5 s at most."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def processes(self) -> list[ProcessInfo]:
        """All processes. Raises SupervisorGoneError."""
        return [_info(answer) for answer in self._call("supervisor.getAllProcessInfo")]

    def pid(self) -> int:
        """Supervisor's own process id. Raises SupervisorGoneError."""
        return int(self._call("supervisor.getPID"))

    def start(self, name: str) -> bool:
        """Start a process that is not running, without waiting for it; False where supervisor refuses.

        Raises SupervisorGoneError.
        """
        try:
            return bool(self._call("supervisor.startProcess", name, False))
        except _RefusedError:
            return False

    def stop(self, name: str) -> bool:
        """Tell a running process to end, without waiting for it; False where supervisor refuses.

        Raises SupervisorGoneError.
        """
        try:
            return bool(self._call("supervisor.stopProcess", name, False))
        except _RefusedError:
            return False

    def _call(self, method: str, *arguments: object) -> Any:
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=_UnixTransport(self._path)) as proxy:
                return getattr(proxy, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _SHUTDOWN_STATE:
                raise SupervisorGoneError("supervisor is going down") from fault
            raise _RefusedError(fault.faultString) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.ProtocolError) as error:
            raise SupervisorGoneError(f"supervisor does not answer on {self._path}: {error}") from error


class _RefusedError(Exception):
    """Supervisor understood, and says no."""


def _info(answer: dict[str, Any]) -> ProcessInfo:
    running = answer["pid"] != 0
    return ProcessInfo(
        name=answer["name"],
        state=ProcessState(answer["statename"]),
        pid=answer["pid"],
        uptime_s=max(0, answer["now"] - answer["start"]) if running else 0,
        detail=answer["spawnerr"],
        ended_s=answer["stop"],
    )


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._unix = _UnixConnection(path)

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return self._unix

    def close(self) -> None:
        self._unix.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_ANSWER_WAIT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_ANSWER_WAIT_S)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise

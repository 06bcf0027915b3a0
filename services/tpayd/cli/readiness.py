"""Which processes are ready, and why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tpayd.cli.house import LocalHouse
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import ProcessInfo, Supervisor, SupervisorGoneError
from tpayd.supervision.programs import WATCHDOG, Program
from tpayd_contracts.health import Health, Readiness

__all__ = ["ServiceState", "service_states"]

_ASK_WAIT_S = 1.0


@dataclass(frozen=True)
class ServiceState:
    """One process, as supervisor and as it sees itself."""

    name: str
    state: str
    """Supervisor's word, `NO SUPERVISOR` without one."""
    pid: int
    uptime_s: int
    readiness: Readiness | None
    """None: it does not answer."""
    detail: str
    version: str
    operations: bool = False
    """Payments do not need it."""

    @property
    def ready(self) -> bool:
        return self.readiness is Readiness.READY

    def as_json(self) -> dict[str, object]:
        """Its documented shape."""
        return {
            "name": self.name,
            "state": self.state,
            "pid": self.pid or None,
            "uptime_s": self.uptime_s,
            "readiness": self.readiness.value if self.readiness else None,
            "detail": self.detail,
            "version": self.version or None,
            "operations": self.operations,
        }


def service_states(house: LocalHouse, *, watchdog: bool = False, operations: bool = True) -> list[ServiceState]:
    """Ask all processes at once, `operations` too or only what payments need; takes a second at most."""
    programs = [program for program in house.programs if operations or not program.operations]
    names = [program.name for program in programs]
    with ThreadPoolExecutor(len(names)) as pool:
        health = dict(zip(names, pool.map(lambda name: house.health(name, _ASK_WAIT_S), names), strict=True))
    try:
        seen = {process.name: process for process in Supervisor(socket_file(house.instance)).processes()}
    except SupervisorGoneError:
        seen = {}
    states = [_state(program, seen, health[program.name]) for program in programs]
    if watchdog and WATCHDOG in seen:
        process = seen[WATCHDOG]
        states.append(ServiceState(WATCHDOG, process.state.value, process.pid, process.uptime_s, None, "", ""))
    return states


def _state(program: Program, seen: Mapping[str, ProcessInfo], health: Health | None) -> ServiceState:
    process = seen.get(program.name)
    return ServiceState(
        name=program.name,
        state=process.state.value if process else "NO SUPERVISOR",
        pid=process.pid if process else health.pid if health else 0,
        uptime_s=process.uptime_s if process else int(health.uptime_s) if health else 0,
        readiness=health.readiness if health else None,
        detail=_detail(process, health),
        version=health.version if health else "",
        operations=program.operations,
    )


def _detail(process: ProcessInfo | None, health: Health | None) -> str:
    if health is not None:
        wrong: Sequence[str] = [
            f"{need.name}: {need.detail or 'not ok'}" for need in health.dependencies if not need.ok
        ]
        return "; ".join(wrong)
    if process is None:
        return "not started"
    return process.detail or ("does not answer" if process.pid else "does not run")

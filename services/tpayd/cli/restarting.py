"""Restarts some of the daemon's processes through supervisor, once no payment is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse
from tpayd.cli.output import Output
from tpayd.cli.readiness import service_states
from tpayd.supervision.conf import socket_file
from tpayd.supervision.control import ProcessState, Supervisor, SupervisorGoneError
from tpayd.supervision.daemon import launcher_pid
from tpayd_contracts.health import Readiness

__all__ = ["can_restart", "restart"]

_LOOK_EVERY_S = 0.2
_STOP_MAX_S = 90.0
"""Above every drain: payments under way finish, and new ones are refused meanwhile."""
_STARTED = frozenset({Readiness.READY, Readiness.DEGRADED})
_DOWN = frozenset({ProcessState.STOPPED, ProcessState.EXITED, ProcessState.FATAL})


def restart(
    output: Output, house: LocalHouse, services: Sequence[str], under_way: Callable[[], int], wait_s: float
) -> None:
    """Wait until no payment is under way, restart, and wait until they answer again. Raises CommandError.

    They end from the outside inwards, so that nothing new begins while what is under way finishes.
    """
    can_restart(house)
    supervisor = Supervisor(socket_file(house.instance))
    order = [program.name for program in reversed(house.programs) if program.name in services]
    try:
        with output.waiting("waiting until no payment is under way") as update:
            _until(lambda: under_way() == 0, wait_s, f"payments are still under way after {wait_s:g} s")
            try:
                for name in order:
                    update(f"ending {name}")
                    supervisor.stop(name)
                    _until(partial(_is_down, supervisor, name), _STOP_MAX_S, f"{name} does not end")
            finally:
                for name in reversed(order):
                    update(f"starting {name}")
                    supervisor.start(name)
    except SupervisorGoneError as error:
        raise CommandError(str(error), Exit.NOT_RUNNING) from error
    _until(lambda: not _missing(house, order), wait_s, "not all of them answer again; see `tpayd status`")
    for state in service_states(house):
        if not state.ready and state.detail:
            output.line(f"{state.name} is not ready yet: {state.detail}", style="yellow")


def can_restart(house: LocalHouse) -> None:
    """Raises CommandError where the daemon's processes are not supervisor's."""
    if launcher_pid(house.instance) is None:
        text = "the daemon was not started by `tpayd up`, so --restart cannot restart it"
        raise CommandError(text, Exit.NOT_RUNNING)


def _missing(house: LocalHouse, names: Collection[str]) -> list[str]:
    """Those that have not started yet."""
    started = {state.name for state in service_states(house) if state.readiness in _STARTED}
    return [name for name in names if name not in started]


def _is_down(supervisor: Supervisor, name: str) -> bool:
    states: Collection[ProcessState] = [one.state for one in supervisor.processes() if one.name == name]
    return all(state in _DOWN for state in states)


def _until(done: Callable[[], bool], limit_s: float, otherwise: str) -> None:
    end_s = time.monotonic() + limit_s
    while not done():
        if time.monotonic() > end_s:
            raise CommandError(otherwise, Exit.TIMEOUT)
        time.sleep(_LOOK_EVERY_S)

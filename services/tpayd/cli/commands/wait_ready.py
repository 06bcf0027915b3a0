"""`tpayd wait-ready`: wait until every process is ready."""

from __future__ import annotations

import time

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.house import LocalHouse, open_house
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.readiness import ServiceState, service_states
from tpayd_contracts.health import Readiness

__all__ = ["wait_ready", "wait_until_ready"]

_LOOK_EVERY_S = 0.05
_LOOK_AT_ALL_S = 1.0


@click.command()
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0), default=60.0, show_default=True, help="Seconds.")
@json_option
@pass_output
def wait_ready(output: Output, timeout_s: float) -> int:
    """Wait until every process that takes payments is ready; says who is not, and why.

    Exit status 6 when the time is up. A process that lacks keys is not ready: `tpayd keys exchange --all`.
    """
    states = wait_until_ready(output, open_house(), timeout_s)
    output.result({"services": [state.as_json() for state in states]}, lambda: output.line("all ready"))
    return Exit.OK


def wait_until_ready(output: Output, house: LocalHouse, timeout_s: float) -> list[ServiceState]:
    """The states of the processes that payments need, once all are ready. Raises CommandError at the limit."""
    deadline = time.monotonic() + timeout_s
    with output.waiting("waiting until all processes are ready") as update:
        while True:
            states = service_states(house, operations=False)
            missing = [state for state in states if not state.ready]
            if not missing:
                return states
            if time.monotonic() > deadline:
                raise CommandError(f"not ready after {timeout_s:g} s: {_why(missing)}", Exit.TIMEOUT, code="not_ready")
            if output.live:
                update(f"waiting for {_why(missing)}")
            _wait_for(house, missing, min(deadline, time.monotonic() + _LOOK_AT_ALL_S))


def _wait_for(house: LocalHouse, missing: list[ServiceState], until_s: float) -> None:
    """Return when these were ready once, one after the other: to ask all of them often would slow their start."""
    for state in missing:
        while time.monotonic() < until_s:
            health = house.health(state.name, max(_LOOK_EVERY_S, until_s - time.monotonic()))
            if health is not None and health.readiness is Readiness.READY:
                break
            time.sleep(_LOOK_EVERY_S)


def _why(missing: list[ServiceState]) -> str:
    return "; ".join(
        f"{state.name} ({', '.join(part for part in (_word(state), state.detail) if part)})" for state in missing
    )


def _word(state: ServiceState) -> str:
    return state.readiness.value if state.readiness else state.state.lower()

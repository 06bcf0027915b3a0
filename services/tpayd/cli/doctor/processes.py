"""Launcher, supervisor, each process; versions and metrics."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tpayd import __version__
from tpayd.cli.doctor.finding import Finding, note, ok, problem, warning
from tpayd.cli.doctor.look import Look
from tpayd.cli.readiness import ServiceState
from tpayd.kit.instance import Instance
from tpayd.kit.scrape_target import targets_directory
from tpayd.releases.layout import Layout
from tpayd.supervision.outside import numbers
from tpayd.supervision.programs import WATCHDOG
from tpayd_client.types import CONTRACT
from tpayd_contracts.health import Readiness
from tpayd_contracts.version import CONTRACT_VERSION

__all__ = ["daemon", "metrics", "of_process", "processes", "versions"]

_CONNECT_S = 1.0


def daemon(look: Look) -> Iterator[Finding]:
    """What starts what."""
    if not look.running:
        yield problem("the store does not run", "`tpayd up`")
        return
    if look.launcher is None:
        yield warning("it runs without its launcher: nobody restarts supervisord", "`tpayd up` starts one")
        return
    if all(state.state == "NO SUPERVISOR" for state in look.states):
        yield problem("supervisord does not answer", "wait half a minute; then look at log/supervisord.log")
    elif not any(state.name == WATCHDOG and state.pid for state in look.states):
        yield warning("the watchdog does not run: nobody notices a process that hangs", "`tpayd logs watchdog`")
    else:
        yield ok(f"launcher (pid {look.launcher}), supervisord and watchdog run")


def processes(look: Look) -> Iterator[Finding]:
    """Each process by its own word."""
    if not look.running:
        return
    services = [state for state in look.states if state.name != WATCHDOG]
    wrong = [finding for state in services if (finding := of_process(state)) is not None]
    yield from wrong
    if not wrong:
        yield ok(f"all {len(services)} processes are ready")


def of_process(state: ServiceState) -> Finding | None:
    """What is wrong with it; None where nothing is."""
    if state.ready:
        return None
    detail = f": {state.detail}" if state.detail else ""
    todo = f"`tpayd logs {state.name}`, log/{state.name}.stderr"
    if state.readiness is None:
        told = f"{state.name} ({state.state}) does not answer{detail}"
        return warning(told, todo) if state.operations else problem(told, todo)
    if state.readiness in (Readiness.STARTING, Readiness.DRAINING):
        return note(f"{state.name} is {state.readiness}{detail}", "ask again in a moment")
    told = f"{state.name} is {state.readiness}{detail}"
    return warning(told, todo) if state.operations else problem(told, todo)


def versions(look: Look) -> Iterator[Finding]:
    """What is installed, what runs, and what they speak."""
    other = sorted({state.version for state in look.states if state.version} - {__version__})
    brought = _brought(look.house.instance)
    if other and other == [brought]:
        yield note(
            f"{brought} runs, as `tpayd update` brought it; this command line is of {__version__}",
            f"nothing; of the same version is {Layout(look.house.instance.home).environment(brought)}/bin/tpayd",
        )
    elif other:
        yield warning(
            f"installed is {__version__}, and {', '.join(other)} runs still", "after hours: `tpayd down`, `tpayd up`"
        )
    if str(CONTRACT) != str(CONTRACT_VERSION):
        yield problem(f"the client speaks contract {CONTRACT}, the daemon {CONTRACT_VERSION}", "install tpayd anew")
    if not other:
        yield ok(f"tpayd {__version__}, contract {CONTRACT_VERSION}")


def metrics(look: Look) -> Iterator[Finding]:
    """Whether Prometheus, where there is one, finds each process."""
    if not look.running:
        return
    silent, found = [], 0
    for file in sorted(targets_directory(look.house.instance.home).glob("*.json")):
        found += 1
        if not _answers(file):
            silent.append(file.stem)
    if silent:
        yield warning(f"no metrics of {', '.join(silent)}", "`tpayd logs` of that process; docs/metrics.md")
    elif found:
        yield ok(f"{found} processes serve metrics; Prometheus finds them in metrics/")
    else:
        yield note("no process serves metrics")


def _brought(instance: Instance) -> str:
    """The version that the updater has put into use and that `tpayd up` from here would keep; empty where none is."""
    layout = Layout(instance.home)
    current = layout.current()
    keeps = layout.is_own(current) and layout.environment(current) is not None
    return current if keeps and numbers(current) >= numbers(__version__) else ""


def _answers(file: Path) -> bool:
    try:
        host, _, port = json.loads(file.read_text(encoding="utf-8"))[0]["targets"][0].rpartition(":")
        with closing(socket.create_connection((host, int(port)), _CONNECT_S)):
            return True
    except (OSError, ValueError, LookupError, TypeError):
        return False

"""Supervisor gives up on a process for good; the watchdog tries it again, less and less often."""

from __future__ import annotations

from tpayd.supervision.control import ProcessInfo, ProcessState
from tpayd.supervision.vigil import Limits, Vigil

LIMITS = Limits(cool_down_s=30, cool_down_max_s=100, calm_s=1000)


def test_it_is_started_once_after_its_cool_down() -> None:
    """Not before, and not twice."""
    vigil = Vigil(LIMITS)

    assert 30 == vigil.gave_up("host_link", now_s=100)

    assert [[], ["host_link"], []] == [vigil.due(129), vigil.due(130), vigil.due(131)]


def test_the_cool_down_doubles_up_to_its_bound() -> None:
    """Given up again and again: 30 s, 60 s, then 100 s at most."""
    vigil = Vigil(LIMITS)

    assert [30, 60, 100, 100] == [vigil.gave_up("host_link", now_s=now) for now in (0, 40, 110, 220)]


def test_after_a_calm_time_the_cool_down_is_short_again() -> None:
    """More than 1000 s without giving up: as if it were the first time."""
    vigil = Vigil(LIMITS)
    vigil.gave_up("host_link", now_s=0)
    vigil.gave_up("host_link", now_s=40)

    assert 30 == vigil.gave_up("host_link", now_s=1041)


def test_processes_are_told_apart() -> None:
    """One process's trouble does not delay another's start."""
    vigil = Vigil(LIMITS)
    vigil.gave_up("host_link", now_s=0)
    vigil.gave_up("host_link", now_s=31)

    assert 30 == vigil.gave_up("gateway", now_s=31)
    assert ["gateway"] == vigil.due(61)


def _seen(state: ProcessState, name: str = "host_link") -> ProcessInfo:
    return ProcessInfo(name=name, state=state, pid=0, uptime_s=0, detail="")


def test_a_process_that_was_given_up_while_nobody_looked_is_found() -> None:
    """The event is told once; a watchdog that was itself down then would never hear of it."""
    vigil = Vigil(LIMITS)

    assert ["host_link"] == vigil.missed([_seen(ProcessState.FATAL), _seen(ProcessState.RUNNING, "gateway")])


def test_it_is_given_up_once_until_it_is_started() -> None:
    """Each round sees it as FATAL until its cool-down is over, and its event may come after a round has seen it."""
    vigil = Vigil(LIMITS)
    vigil.gave_up("host_link", now_s=0)
    waiting = (vigil.waits("host_link"), vigil.missed([_seen(ProcessState.FATAL)]))
    vigil.due(30)
    started = (vigil.waits("host_link"), vigil.missed([_seen(ProcessState.STARTING)]))

    assert ((True, []), (False, [])) == (waiting, started)


def test_a_start_that_supervisor_refused_is_tried_again() -> None:
    """After twice the time, as for one that failed again."""
    vigil = Vigil(LIMITS)
    vigil.gave_up("host_link", now_s=0)
    vigil.due(30)

    assert ["host_link"] == vigil.missed([_seen(ProcessState.FATAL)])
    assert 60 == vigil.gave_up("host_link", now_s=35)

"""Supervisor gives up on a process for good; the watchdog tries it again, less and less often."""

from __future__ import annotations

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

"""A fault outside of `start` is logged and counted, and the process goes on; a loop of crashes is slowed down."""

from __future__ import annotations

import signal

import msgspec
import pytest

from tests.harness.waiting import eventually
from tests.integration.kit.conftest import SERVICE, Ended, Probe
from tpayd.kit.clock import SystemClock
from tpayd.kit.guard import Lives
from tpayd_contracts.health import Readiness


@pytest.mark.parametrize(("fault", "event"), [("loop", "loop.fault"), ("thread", "thread.fault")])
def test_a_fault_nobody_handled_is_logged(probe: Probe, stopped: Ended, fault: str, event: str) -> None:
    """In a callback or in a thread: the process stays up, and the log has the traceback."""
    probe.settings(SERVICE, f'fault = "{fault}"')
    child = probe.start_ready()

    assert "RuntimeError: planted" in str(probe.event(event)["exception"])
    assert (0, "") == stopped(child)


def test_a_blocked_loop_shows_in_health(probe: Probe) -> None:
    """Half a second of blocking is told as loop lag."""
    probe.settings(SERVICE, 'fault = "block"')
    probe.start_ready()

    def lag_ms() -> float:
        health = probe.health()
        return health.loop_lag_ms if health is not None and health.loop_lag_ms > 250 else 0

    assert eventually(lag_ms, timeout_s=10, what="the delay in health") < 5_000


def test_a_crash_loop_waits_before_it_serves(probe: Probe, stopped: Ended) -> None:
    """The seventh quick start waits, answers health meanwhile, starts nothing, and can be stopped."""
    probe.settings(SERVICE, 'fault = "start"')
    for _ in range(5):
        probe.start().wait(timeout=20)
    started_before = (probe.instance.data / "probe.started").stat().st_size
    _pretend_more_starts(probe, 9)
    child = probe.start()
    loop = probe.event("process.crash_loop")

    assert (5, 10, 16.0) == (started_before, loop["starts_in_a_row"], loop["wait_s"])
    probe.wait_for(Readiness.STARTING)
    assert started_before == (probe.instance.data / "probe.started").stat().st_size
    assert (0, "") == stopped(child)


def test_a_crash_loop_serves_after_its_wait(probe: Probe) -> None:
    """The guard delays; it does not give up."""
    probe.start_ready().kill()
    _pretend_more_starts(probe, 5)
    probe.start()

    assert 1.0 == probe.event("process.crash_loop")["wait_s"]
    probe.wait_for(Readiness.READY)


def _pretend_more_starts(probe: Probe, starts: int) -> None:
    path = probe.instance.run_file(SERVICE, "starts")
    lives = msgspec.json.decode(path.read_bytes(), type=Lives)
    path.write_bytes(msgspec.json.encode(Lives(lives.boot_id, starts, SystemClock().boottime_ms())))


def test_kills_are_counted_as_crashes(probe: Probe) -> None:
    """SIGKILL leaves no chance to say goodbye: the next start knows."""
    for _ in range(2):
        child = probe.start_ready()
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=10)
    lives = msgspec.json.decode(probe.instance.run_file(SERVICE, "starts").read_bytes(), type=Lives)

    assert 2 == lives.starts

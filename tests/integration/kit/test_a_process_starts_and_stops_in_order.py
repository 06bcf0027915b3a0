"""One life: ready, draining, stopped, exit code 0; and nothing left over."""

from __future__ import annotations

import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.integration.kit.conftest import SERVICE, Ended, Probe
from tpayd.kit.bus import ping
from tpayd_contracts.health import Readiness


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_0(probe: Probe, ended: Ended, number: signal.Signals) -> None:
    """Drain, then stop, then exit code 0, with nothing on stderr."""
    child = probe.start_ready()
    child.send_signal(number)

    assert (0, "") == ended(child)
    assert probe.has("drained")
    assert probe.has("stopped")
    assert ["process.starting", "process.ready", "process.draining", "process.stopped"] == [
        event["event"] for event in probe.events()
    ]


def test_health_tells_who_it_is(probe: Probe) -> None:
    """Version, pid, profile and sandbox are in every answer."""
    child = probe.start_ready()
    health = probe.health()

    assert health is not None
    assert (SERVICE, child.pid, "live", False) == (health.service, health.pid, health.profile, health.sandbox)
    assert 0 < health.uptime_s < 60


def test_while_it_drains_it_says_so(probe: Probe, ended: Ended) -> None:
    """A drain that does not end is cut short by drain_s; until then health answers `draining`, and so does PING."""
    probe.settings(SERVICE, 'fault = "drain"\ndrain_s = 2.0')
    child = probe.start_ready()
    child.send_signal(signal.SIGTERM)

    probe.wait_for(Readiness.DRAINING)
    assert ping(probe.instance.rpc(SERVICE), 1.0)
    assert (0, "") == ended(child)
    assert not probe.has("drained")
    assert probe.has("stopped")
    probe.event("process.drain_cut_short")


def test_periodic_work_goes_on_while_it_drains(probe: Probe, stopped: Ended) -> None:
    """What is being finished may depend on it, as a payment does on its reader's lease."""
    probe.settings(SERVICE, 'fault = "ticks"\ndrain_s = 15.0')
    child = probe.start_ready()

    assert (0, "") == stopped(child)
    assert probe.has("drained")


def test_a_second_signal_cuts_the_drain_short(probe: Probe, ended: Ended) -> None:
    """Whoever insists is not kept waiting."""
    probe.settings(SERVICE, 'fault = "drain"\ndrain_s = 600')
    child = probe.start_ready()
    child.send_signal(signal.SIGTERM)
    probe.wait_for(Readiness.DRAINING)
    started = time.monotonic()
    child.send_signal(signal.SIGTERM)

    assert (0, "") == ended(child)
    assert time.monotonic() - started < 10


def test_a_signal_during_a_start_that_hangs_ends_it(probe: Probe, stopped: Ended) -> None:
    """Stopping does not wait for a start to end."""
    probe.settings(SERVICE, 'fault = "hang"')
    child = probe.start()
    probe.wait_for(Readiness.STARTING)

    assert (0, "") == stopped(child)
    assert probe.has("stopped")


def test_a_stopped_process_can_be_started_again(probe: Probe, stopped: Ended) -> None:
    """Lock, sockets and metrics port are free again, and no start is counted against it."""
    for _ in range(7):
        assert 0 == stopped(probe.start_ready())[0]
    assert not any(event["event"] == "process.crash_loop" for event in probe.events())


def test_metrics_are_served_where_the_port_file_says(probe: Probe, stopped: Ended) -> None:
    """The real port stands in run/<service>.metrics while the process lives."""
    child = probe.start_ready()
    port_file = probe.instance.run_file(SERVICE, "metrics")
    with urllib.request.urlopen(f"http://127.0.0.1:{port_file.read_text().strip()}/metrics", timeout=5) as answer:
        text = answer.read().decode()

    assert f'tpayd_ready{{service="{SERVICE}"}} 1.0' in text
    assert f'tpayd_requests_total{{code="ok",op="health.get",service="{SERVICE}"}}' in text
    assert "process_resident_memory_bytes" in text
    stopped(child)
    assert not port_file.exists()


def test_a_taken_metrics_port_keeps_nobody_from_selling(probe: Probe, tmp_path: Path) -> None:
    """Another port is taken, told in the log and in the port file."""
    other = Probe(tmp_path / "other")
    try:
        other.start_ready()
        taken = other.instance.run_file(SERVICE, "metrics").read_text().strip()
        probe.settings(SERVICE, f"metrics_port = {taken}")
        probe.start_ready()

        assert int(taken) == probe.event("metrics.port_refused")["port"]
        assert taken != probe.instance.run_file(SERVICE, "metrics").read_text().strip()
    finally:
        other.end_all()


def test_the_log_level_is_read_again_on_sighup(probe: Probe) -> None:
    """More detail without a restart; a file with a fault changes nothing and is told."""
    child = probe.start_ready()
    probe.settings(SERVICE, 'log_level = "debug"')
    child.send_signal(signal.SIGHUP)
    assert "debug" == probe.event("log.level_set")["log_level"]

    probe.settings(SERVICE, 'log_level = "lowd"')
    child.send_signal(signal.SIGHUP)
    assert "log_level" in str(probe.event("settings.refused")["why"])
    assert probe.health() is not None

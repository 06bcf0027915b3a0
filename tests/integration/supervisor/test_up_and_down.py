"""An instance starts as a whole, once, and ends as a whole."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.harness import SupervisedStore, eventually
from tests.harness.prometheus import scrape
from tpayd.kit.instance import InstanceError
from tpayd.kit.scrape_target import targets_directory
from tpayd.supervision.conf import conf_file, socket_file
from tpayd.supervision.control import ProcessState
from tpayd.supervision.daemon import DaemonError, launcher_command, start
from tpayd.supervision.launcher import EXIT_ALREADY_RUNNING

SERVICES = ("sandbox_host", "host_link")


def test_down_ends_everything_and_a_second_down_finds_nothing(tmp_path: Path) -> None:
    """After `down` no process of the instance lives, and no socket answers."""
    with SupervisedStore(tmp_path, services=SERVICES) as store:
        store.wait_ready()

        assert store.down()

        assert [] == store.left_behind()
        assert [None, None] == [store.health(service, 0.2) for service in SERVICES]
        assert store.down()


def test_down_ends_a_stopped_service_at_its_limit(tmp_path: Path) -> None:
    """A service that heeds nothing is killed when the limit is reached, and `down` says so."""
    with SupervisedStore(tmp_path, services=SERVICES) as store:
        store.wait_ready()
        store.kill("host_link", signal.SIGSTOP)

        assert not store.down(limit_s=3.0)

        assert [] == store.left_behind()


def test_an_instance_has_one_launcher(tmp_path: Path) -> None:
    """A second launcher for the same instance is refused and changes nothing."""
    with SupervisedStore(tmp_path, services=SERVICES) as store:
        before = store.launcher_pid

        second = subprocess.run(launcher_command(store.instance), capture_output=True, timeout=10, check=False)

        assert EXIT_ALREADY_RUNNING == second.returncode
        assert before == store.launcher_pid


def test_the_control_socket_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else may open supervisor's socket, and there is no port."""
    with SupervisedStore(tmp_path, services=SERVICES) as store:
        assert 0o700 == socket_file(store.instance).stat().st_mode & 0o777
        assert "inet_http_server" not in conf_file(store.instance).read_text(encoding="utf-8")


def test_the_watchdog_tells_prometheus_what_supervisor_sees(tmp_path: Path) -> None:
    """Supervisor has no metrics of its own: each process's state, and the launcher, are the watchdog's to tell."""
    with SupervisedStore(tmp_path, services=("host_link",)) as store:
        port_file = store.instance.run_file("watchdog", "metrics")

        def seen() -> bool:
            text = scrape(int(port_file.read_text())) if port_file.exists() else ""
            running = 'tpayd_watchdog_process_state{process="host_link",state="RUNNING"} 1.0'
            return running in text and "tpayd_watchdog_launcher_up 1.0" in text

        eventually(seen, timeout_s=60, what="the watchdog's metrics")
        assert (targets_directory(store.instance.home) / "watchdog.json").exists()


def test_a_place_that_supervisor_would_misread_is_refused(tmp_path: Path) -> None:
    """A path with supervisor's own syntax in it is refused by name, before anything is started."""
    store = SupervisedStore(tmp_path / "50% ; off", services=SERVICES)

    with pytest.raises(InstanceError, match="50%"):
        store.up()

    assert [] == store.left_behind()


def test_a_supervisor_that_cannot_start_is_reported(tmp_path: Path) -> None:
    """The reason that supervisord gives is passed on, and no launcher stays behind."""
    store = SupervisedStore(tmp_path, services=SERVICES)
    socket_file(store.instance).mkdir()

    with pytest.raises(DaemonError, match="supervisor did not start"):
        start(store.instance, store.programs, wait_s=2.0)

    assert [] == store.left_behind()


def test_a_service_that_supervisor_gave_up_on_is_tried_again(tmp_path: Path) -> None:
    """FATAL is not for good: the watchdog raises an alarm and starts the process again after its cool-down."""
    store = SupervisedStore(tmp_path, services=SERVICES)
    settings = store.instance.settings_file("host_link")
    right = settings.read_text(encoding="utf-8")
    settings.write_text("no_such_setting = 1\n", encoding="utf-8")
    # A process that ends only after its startsecs has started, and is not given up: on a busy machine that is soon.
    patient = "startsecs = 20\nstartretries = 0"
    with store.with_conf(lambda text: text.replace("startsecs = 2\nstartretries = 20", patient)):
        eventually(
            lambda: store.state("host_link") is ProcessState.FATAL,
            timeout_s=30,
            what="host_link given up by supervisor",
        )
        settings.write_text(right, encoding="utf-8")

        store.wait_ready("host_link", timeout_s=60, degraded=True)

        alarms = [line for line in store.logs("watchdog") if line.get("alarm")]
        assert [("process.given_up", "host_link")] == [(line["event"], line["process"]) for line in alarms]

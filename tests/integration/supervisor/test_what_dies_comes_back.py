"""Whatever process dies or hangs, a good one stands in its place soon, and never two of a kind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import SupervisedStore, eventually
from tpayd.supervision.daemon import launcher_pid

SERVICES = ("sandbox_host", "host_link")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SupervisedStore]:
    with SupervisedStore(tmp_path / "a place with spaces", services=SERVICES) as store:
        store.wait_ready()
        yield store


def test_a_killed_service_is_started_again(store: SupervisedStore) -> None:
    """SIGKILL of one service: another takes its place, the rest go on."""
    other = store.pid("sandbox_host")

    store.wait_restarted("host_link", store.kill("host_link"))

    store.wait_ready()
    assert other == store.pid("sandbox_host")


def test_a_hung_service_is_killed_and_started_again(store: SupervisedStore) -> None:
    """SIGSTOP of one service: the watchdog finds it by PING within a minute."""
    stopped = store.kill("host_link", signal.SIGSTOP)

    store.wait_restarted("host_link", stopped, timeout_s=60)

    store.wait_ready()
    alarms = [line for line in store.logs("watchdog") if line["event"] == "process.hung"]
    assert [("host_link", stopped)] == [(line["process"], line["pid"]) for line in alarms]


def test_a_stopped_watchdog_is_replaced_and_the_next_one_finds_what_hangs(store: SupervisedStore) -> None:
    """SIGSTOP of the watchdog and of a service: the launcher sees the first, and the new watchdog the other."""
    watchdog = store.kill("watchdog", signal.SIGSTOP)
    stopped = store.kill("host_link", signal.SIGSTOP)

    store.wait_restarted("watchdog", watchdog, timeout_s=60)
    store.wait_restarted("host_link", stopped, timeout_s=60)

    store.wait_ready()


def test_a_killed_supervisord_is_started_again(store: SupervisedStore) -> None:
    """SIGKILL of supervisord: its services follow it, then a new generation starts; none is left of the old one."""
    old = store.left_behind()

    store.kill_supervisord()

    store.wait_ready(timeout_s=60)
    assert set() == set(old) & set(store.left_behind())


def test_a_stopped_supervisord_is_continued(store: SupervisedStore) -> None:
    """SIGSTOP of supervisord: services go on, and within half a minute it is continued; nothing is restarted."""
    services = [store.pid(service) for service in SERVICES]
    before = store.supervisord_pid()

    os.kill(before, signal.SIGSTOP)

    assert all(store.health(service) for service in SERVICES)
    eventually(store.supervisord_pid, timeout_s=30, what="an answer of supervisord")
    assert before == store.supervisord_pid()
    assert services == [store.pid(service) for service in SERVICES]


def test_a_killed_launcher_disturbs_nothing_and_the_next_one_takes_over(store: SupervisedStore) -> None:
    """SIGKILL of the launcher: all goes on; the next launcher keeps what runs, and ends it when told to."""
    supervisord = store.supervisord_pid()
    services = [store.pid(service) for service in SERVICES]
    launcher = store.launcher_pid

    os.kill(launcher, signal.SIGKILL)
    eventually(lambda: launcher_pid(store.instance) is None, timeout_s=5, what="the launcher's end")
    store.up()

    assert launcher != store.launcher_pid
    assert (supervisord, services) == (store.supervisord_pid(), [store.pid(service) for service in SERVICES])
    assert store.down()
    assert [] == store.left_behind()


def test_without_a_launcher_everything_is_ended_all_the_same(store: SupervisedStore) -> None:
    """`tpayd down` after the launcher's death leaves no process behind."""
    launcher = store.launcher_pid
    os.kill(launcher, signal.SIGKILL)
    eventually(lambda: launcher_pid(store.instance) is None, timeout_s=5, what="the launcher's end")

    assert store.down()

    assert [] == store.left_behind()
    assert 0 == store.supervisord_pid()

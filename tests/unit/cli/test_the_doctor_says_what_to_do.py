"""`tpayd doctor`: each fact has its level and a way out, a check that fails keeps no other from its word."""

from __future__ import annotations

import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.harness.waiting import eventually
from tpayd import __version__
from tpayd.backup.last import LastBackup, write_last
from tpayd.cli.doctor.files import room
from tpayd.cli.doctor.finding import Finding, Level, note, ok, problem, warning
from tpayd.cli.doctor.look import Look, look_at
from tpayd.cli.doctor.machine import clock, host_time, synchronized
from tpayd.cli.doctor.operations import of_backup
from tpayd.cli.doctor.payments import host_line, keys, people, readers
from tpayd.cli.doctor.processes import of_process, versions
from tpayd.cli.doctor.table import CHECKS, examine, worst
from tpayd.cli.house import open_house
from tpayd.cli.readiness import ServiceState
from tpayd.kit.instance import Instance
from tpayd.provision import Plan, found
from tpayd.supervision.processes import modules_of
from tpayd_contracts.device import Bar, BarCause, Device, DeviceList, DeviceState
from tpayd_contracts.health import Readiness
from tpayd_contracts.host import Line, LineState, LineStatus
from tpayd_contracts.keys import KeyInfo, KeyList, KeyState, KeyTime, KeyUsage
from tpayd_contracts.records import OwedReversals, UnacknowledgedPayments

MIB, GIB = 1 << 20, 1 << 30
DAY_MS = 86_400_000
HERE = Path("/srv/store/data")


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return found(Plan(sandbox=True, ports={"gateway": port}), tmp_path / "store")


def told(instance: Instance, check: str) -> list[Finding]:
    """What one check says of an instance in which nothing runs."""
    return [each for each in examine(look_at(open_house(instance.home))) if each.check == check]


def looked(answers: dict[str, Any] | None = None, *, lanes: int = 1) -> Look:
    """A look at a store whose processes answer this."""
    lanes_of = tuple(SimpleNamespace(terminal_id=f"TPAY{number:04d}") for number in range(1, lanes + 1))
    store = SimpleNamespace(host_profile="test", lanes=lanes_of, sandbox=False)
    return Look(cast("Any", SimpleNamespace(store=store)), 1, (), answers or {})


def levels(findings: Iterator[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


@pytest.mark.parametrize(
    ("free_bytes", "free_files", "level"),
    [
        (100 * GIB, 1_000_000, Level.OK),
        (100 * GIB, 0, Level.OK),
        (1 * GIB, 1_000_000, Level.WARNING),
        (100 * MIB, 1_000_000, Level.PROBLEM),
        (100 * GIB, 500, Level.PROBLEM),
    ],
)
def test_room_on_the_disk(free_bytes: int, free_files: int, level: Level) -> None:
    """Some file systems do not count their files: that is none of our business."""
    assert level == room(HERE, free_bytes, free_files).level


@pytest.mark.parametrize(
    ("ahead_s", "level", "word"),
    [(0, Level.OK, "ahead"), (59, Level.OK, "ahead"), (-60, Level.WARNING, "behind"), (3_600, Level.PROBLEM, "ahead")],
)
def test_the_clock_beside_the_hosts(ahead_s: int, level: Level, word: str) -> None:
    """A business day is the host's."""
    finding = host_time(ahead_s)
    assert (level, True) == (finding.level, word in finding.text)


@pytest.mark.parametrize(("ahead_s", "told"), [(None, False), (36_000, True)])
def test_the_clock_beside_a_host_that_has_not_told_its_time(tmp_path: Path, ahead_s: int | None, told: bool) -> None:
    """A store that has just been started knows nothing of it: nobody is sent to set a clock that is right."""
    house = SimpleNamespace(instance=Instance.open(tmp_path))
    answer = KeyList((), KeyTime(now_ms=1, from_host=True, machine_ahead_s=ahead_s))
    findings = list(clock(Look(cast("Any", house), 1, (), {"key.list": answer})))
    assert told is any("the card host's" in finding.text for finding in findings)


def test_the_kernel_says_whether_its_clock_is_disciplined() -> None:
    """Yes, no, or it does not tell; it needs no right."""
    assert synchronized() in (True, False, None)


@pytest.mark.parametrize(
    ("readiness", "operations", "level"),
    [
        (Readiness.READY, False, None),
        (Readiness.STARTING, False, Level.NOTE),
        (Readiness.DEGRADED, False, Level.PROBLEM),
        (Readiness.DEGRADED, True, Level.WARNING),
        (None, False, Level.PROBLEM),
        (None, True, Level.WARNING),
    ],
)
def test_a_process(readiness: Readiness | None, operations: bool, level: Level | None) -> None:
    """What payments do not need is no problem."""
    state = ServiceState("gateway", "RUNNING", 1, 1, readiness, "why", "0.1.0", operations)
    finding = of_process(state)
    assert level == (finding.level if finding is not None else None)


@pytest.mark.parametrize(
    ("runs", "brought", "level"),
    [
        (__version__, "", Level.OK),
        ("99.0.0", "", Level.WARNING),
        ("99.0.0", "99.0.0", Level.NOTE),
        ("99.0.0", "98.0.0", Level.WARNING),
        ("0.0.1", "0.0.1", Level.WARNING),
    ],
)
def test_a_version_that_the_updater_brought_is_not_to_be_gone_back_from(
    tmp_path: Path, runs: str, brought: str, level: Level
) -> None:
    """`tpayd up` keeps a newer release that the updater has installed: nobody is sent to restart for nothing."""
    if brought:
        (tmp_path / "releases" / brought / "bin").mkdir(parents=True)
        (tmp_path / "releases" / brought / "bin" / "python").touch()
        (tmp_path / "releases" / "current").symlink_to(brought)
    state = ServiceState("gateway", "RUNNING", 1, 1, Readiness.READY, "", runs, operations=False)
    look = Look(cast("Any", SimpleNamespace(instance=Instance.open(tmp_path))), 1, (state,))
    (finding,) = versions(look)
    restarts, names_it = "tpayd down" in finding.todo, f"{brought}/bin/tpayd" in finding.todo
    assert (level, level is Level.WARNING, level is Level.NOTE) == (finding.level, restarts, names_it)


@pytest.mark.parametrize(
    ("days", "there", "level"),
    [(0, True, Level.OK), (1, False, Level.NOTE), (4, True, Level.WARNING), (40, True, Level.PROBLEM)],
)
def test_the_age_of_the_last_backup(days: int, there: bool, level: Level) -> None:
    """One that is elsewhere by now is where it should be."""
    last = LastBackup(100 * DAY_MS, "/mnt/usb/b", 1, "b")
    assert level == of_backup(last, (100 + days) * DAY_MS, there=there).level


def test_a_store_that_was_never_backed_up() -> None:
    """Is told how."""
    finding = of_backup(None, 0, there=False)
    assert (Level.WARNING, True) == (finding.level, "tpayd backup create" in finding.todo)


def test_lines_to_the_host() -> None:
    """One of two is enough to sell; none is not."""
    up, down = (Line("test", "a", state, "host:1") for state in (LineState.SIGNED_ON, LineState.DOWN))
    for lines, wanted in (((up,), [Level.OK]), ((up, down), [Level.WARNING]), ((down,), [Level.PROBLEM])):
        assert wanted == levels(host_line(looked({"host.status": LineStatus("test", lines)})))


def test_readers() -> None:
    """One that works is enough to sell."""
    good, gone, kept = (
        Device("r", "counter", state, "d", "p", bars=bars)
        for state, bars in (
            (DeviceState.READY, ()),
            (DeviceState.ABSENT, ()),
            (DeviceState.READY, (Bar("r", BarCause.MAINTENANCE, "a new cable"),)),
        )
    )
    cases = (
        ((good,), [Level.OK]), ((good, gone), [Level.WARNING]), ((gone,), [Level.PROBLEM]),
        ((kept,), [Level.PROBLEM]), ((), [Level.PROBLEM]),
    )  # fmt: skip
    for devices, wanted in cases:
        assert wanted == levels(readers(looked({"device.list": DeviceList(devices, 0)})))


def test_keys() -> None:
    """A lane without one cannot sell."""
    key = KeyInfo("k", KeyUsage.TERMINAL_MAC, "TPAY0001", "test", KeyState.ACTIVE, "00", days_left=400)
    soon = KeyInfo("k", KeyUsage.TERMINAL_MAC, "TPAY0001", "test", KeyState.ACTIVE, "00", days_left=5, note="expires")
    answer = {"key.list": KeyList((key,))}
    assert [Level.OK] == levels(keys(looked(answer)))
    assert [Level.PROBLEM] == levels(keys(looked(answer, lanes=2)))
    assert [Level.WARNING, Level.OK] == levels(keys(looked({"key.list": KeyList((soon,))})))


def test_what_waits_for_a_person() -> None:
    """A reversal that the host never confirmed is money."""
    none = UnacknowledgedPayments((), 60.0)
    for needs_human, wanted in ((0, [Level.OK]), (2, [Level.PROBLEM])):
        owed = OwedReversals((), needs_human, needs_human)
        answers = {"reversal.list": owed, "payment.unacknowledged": none}
        assert wanted == levels(people(looked(answers)))


def test_a_check_that_fails_keeps_no_other_from_its_word() -> None:
    """Whatever is wrong with the machine."""

    def broken(_: Look) -> Iterator[Finding]:
        yield ok("so far")
        raise PermissionError(13, "Permission denied")

    found = examine(looked(), [("first", broken), ("second", lambda _: [ok("fine")]), ("third", lambda _: [])])
    assert [("first", Level.PROBLEM), ("second", Level.OK), ("third", Level.NOTE)] == [
        (finding.check, finding.level) for finding in found
    ]


def test_the_worst_counts() -> None:
    """For the exit status."""
    assert Level.PROBLEM == worst([ok(""), problem("", ""), warning("", "")])
    assert Level.WARNING == worst([note(""), warning("", ""), ok("")])
    assert Level.OK == worst([])


class TestAStoreThatIsDown:
    """Everything that can be known is."""

    def test_every_check_has_its_word(self, instance: Instance) -> None:
        """And what is wrong has its way out."""
        findings = examine(look_at(open_house(instance.home)))
        assert [name for name, _ in CHECKS] == list(dict.fromkeys(finding.check for finding in findings))
        assert [] == [each for each in findings if each.level in (Level.WARNING, Level.PROBLEM) and not each.todo]
        assert [("daemon", "`tpayd up`")] == [
            (each.check, each.todo) for each in findings if each.level is Level.PROBLEM
        ]

    def test_a_wrong_setting_is_named(self, instance: Instance) -> None:
        """By file and field."""
        path = instance.settings_file("transaction")
        path.write_text(path.read_text().replace("card_wait_s = ", "card_wait_s = -"))
        (finding,) = told(instance, "settings")
        assert (Level.PROBLEM, True, True) == (
            finding.level, "config/transaction.toml" in finding.text, "card_wait_s" in finding.text,
        )  # fmt: skip

    def test_a_secret_that_others_can_read_is_named(self, instance: Instance) -> None:
        """With the command that closes it."""
        path = instance.secrets / "key_manager.passphrase"
        path.chmod(0o644)
        (finding,) = told(instance, "permissions")
        assert (Level.PROBLEM, f"chmod go-rwx {path}") == (finding.level, finding.todo)

    def test_a_port_that_somebody_has_is_told(self, instance: Instance) -> None:
        """Before the store is started in vain."""
        port = tomllib.loads(instance.settings_file("gateway").read_text())["tcp_port"]
        assert [Level.OK] == [finding.level for finding in told(instance, "ports")]
        with closing(socket.socket()) as other:
            other.bind(("127.0.0.1", port))
            other.listen()
            (finding,) = told(instance, "ports")
        assert (Level.PROBLEM, True) == (finding.level, "taken" in finding.text)

    def test_a_gateway_that_starts_is_nobody_else(self, instance: Instance) -> None:
        """It has its port before it answers; the process is known by its command line."""
        port = tomllib.loads(instance.settings_file("gateway").read_text())["tcp_port"]
        waits = "import sys; sys.stdin.read()"
        command = [sys.executable, "-c", waits, "-m", "tpayd.gateway", "--home", str(instance.home)]
        with closing(socket.socket()) as own, subprocess.Popen(command, stdin=subprocess.PIPE) as gateway:
            own.bind(("127.0.0.1", port))
            own.listen()
            eventually(
                lambda: "gateway" in modules_of(instance.home).values(), timeout_s=30, what="the gateway's process"
            )
            (finding,) = told(instance, "ports")
            assert gateway.stdin is not None
            gateway.stdin.close()
        assert (Level.NOTE, "ask again in a moment") == (finding.level, finding.todo)

    def test_its_last_backup_is_known(self, instance: Instance) -> None:
        """It is in the instance, not in the daemon."""
        import time

        assert [Level.NOTE] == [finding.level for finding in told(instance, "backup")]
        write_last(instance, LastBackup(time.time_ns() // 1_000_000, str(instance.home), 1, "b"))
        assert [Level.OK] == [finding.level for finding in told(instance, "backup")]

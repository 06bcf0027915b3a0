"""The launcher kills a watchdog whose rounds have stopped, and no other process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.waiting import eventually
from tpayd.supervision.processes import modules_of
from tpayd.supervision.wakefulness import ASLEEP_LOOKS, Wakefulness

_AWAKE = "import sys\nfor line in sys.stdin: print(line, flush=True)"


class Rounds:
    """A process that looks like an instance's watchdog: it sleeps until it is told to do a round."""

    def __init__(self, home: Path) -> None:
        command = [sys.executable, "-c", _AWAKE, "-m", "tpayd.supervision.watchdog", "--home", str(home)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        eventually(lambda: self.process.pid in modules_of(home), timeout_s=10, what="its command line")
        self.make()

    def make(self) -> None:
        """One round; it sleeps again soon."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("tick\n")
        assert "tick\n" == self.process.stdout.readline()
        assert "\n" == self.process.stdout.readline()


@pytest.fixture
def rounds(tmp_path: Path) -> Iterator[Rounds]:
    rounds = Rounds(tmp_path)
    yield rounds
    rounds.process.kill()
    rounds.process.communicate()


def test_one_that_does_its_rounds_is_left_alone(tmp_path: Path, rounds: Rounds) -> None:
    """However long it is looked at."""
    noted: list[str] = []
    wakefulness = Wakefulness(tmp_path, lambda event, **_: noted.append(event))
    for _ in range(3 * ASLEEP_LOOKS):
        wakefulness.look()
        rounds.make()
    assert (None, []) == (rounds.process.poll(), noted)


def test_one_that_is_stopped_is_killed(tmp_path: Path, rounds: Rounds) -> None:
    """After so many looks in a row, and not before."""
    noted: list[tuple[str, object]] = []
    wakefulness = Wakefulness(tmp_path, lambda event, **fields: noted.append((event, fields["pid"])))
    os.kill(rounds.process.pid, signal.SIGSTOP)
    os.waitpid(rounds.process.pid, os.WUNTRACED)
    for _ in range(ASLEEP_LOOKS):
        wakefulness.look()
    assert [] == noted
    wakefulness.look()
    assert [("watchdog.hung", rounds.process.pid)] == noted
    assert -signal.SIGKILL == rounds.process.wait(10)


def test_what_was_seen_while_supervisor_slept_does_not_count(tmp_path: Path, rounds: Rounds) -> None:
    """Without supervisor's events a watchdog has nothing to do."""
    wakefulness = Wakefulness(tmp_path, lambda event, **_: None)
    for _ in range(3):
        for _ in range(ASLEEP_LOOKS):
            wakefulness.look()
        wakefulness.forget()
    assert None is rounds.process.poll()


def test_where_there_is_none_nothing_happens(tmp_path: Path, rounds: Rounds) -> None:
    """Another instance's watchdog is none of ours."""
    wakefulness = Wakefulness(tmp_path / "another", lambda event, **_: None)
    for _ in range(2 * ASLEEP_LOOKS):
        wakefulness.look()
    assert None is rounds.process.poll()

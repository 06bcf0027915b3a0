"""kill -9 at every touch of the disk while a release is gone over to, or taken back: a version that works is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tpayd.releases.book import Book
from tpayd.releases.journal import Event, State
from tpayd.releases.layout import Layout

OLD, NEW = "0.1.0", "0.2.0"

_RUN = """
import os, signal, sys
from pathlib import Path

left = int(sys.argv[2])

def dying(name, owner):
    real = getattr(owner, name)
    def call(*arguments, **named):
        global left
        for _ in range(2):  # before it, and after it
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            if _ == 0:
                result = real(*arguments, **named)
        return result
    setattr(owner, name, call)

for name in ("pwrite", "fsync", "ftruncate"):
    dying(name, os)
for name in ("replace", "symlink_to"):
    dying(name, Path)

from tpayd.supervision import changeover as module

module.ORDER_VALID_S = 3600.0  # however slow this machine is
home, environment = Path(sys.argv[1]), sys.argv[3]
changeover = module.Changeover(home, None, lambda *_, **__: None, dict)
if environment == "bad":
    changeover.not_prepared("it does not start")
changeover.settle()
print("whole")
"""
"""One settling of the launcher's, which dies at the n-th touch of the disk."""


def settle(home: Path, dies_at: int, how: str) -> bool:
    """Whether it came to its end."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(home), str(dies_at), how], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -9), done.stderr
    return "whole" in done.stdout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    for version in (OLD, NEW):
        (layout.place(version) / "bin").mkdir(parents=True)
        (layout.place(version) / "bin" / "python").touch()
    layout.use(OLD)
    book = Book(layout)
    book.write(Event.STAGED, NEW)
    book.write(Event.ORDERED, NEW, before=OLD, ready_limit_ms=60_000, trial_ms=60_000)
    return layout


def killed_everywhere(layout: Layout, how: str) -> list[tuple[str, State]]:
    """The link and the attempt after a death at each point, and after the launcher that comes next."""
    kept = {path: path.read_bytes() for path in (layout.journal,)}
    linked = layout.current()
    found = []
    for dies_at in range(1, 100):
        whole = settle(layout.home, dies_at, how)
        settle(layout.home, 0, "next")
        found.append((layout.current(), Book(layout).attempt().state))
        if whole:
            return found
        for path, content in kept.items():
            path.write_bytes(content)
        layout.use(linked)
    raise AssertionError("it touches the disk more often than is believable")


def test_a_death_while_going_over_ends_in_a_trial_or_back(layout: Layout) -> None:
    """The new release on trial with the link on it, or the old one with the attempt told as rolled back."""
    found = killed_everywhere(layout, "good")
    assert {(NEW, State.TRIAL), (OLD, State.ROLLED_BACK)} == set(found)
    assert (NEW, State.TRIAL) == found[-1]
    assert len(found) > 10


def test_a_death_while_going_back_ends_in_the_old_version(layout: Layout) -> None:
    """Unless nothing had been done yet: then the trial goes on, and is taken back for the same reason again."""
    settle(layout.home, 0, "good")
    found = killed_everywhere(layout, "bad")
    assert {(NEW, State.TRIAL), (OLD, State.ROLLED_BACK)} >= set(found)
    assert (OLD, State.ROLLED_BACK) == found[-1]
    assert len(found) > 10


def test_a_restart_of_the_machine_takes_a_trial_back(layout: Layout) -> None:
    """Whatever the trial was about to show, the old version is what starts."""
    settle(layout.home, 0, "good")
    content = layout.journal.read_bytes()
    assert b"trial" in content
    layout.journal.unlink()
    book = Book(layout)
    for record in decoded(content):
        book.write(record.event, record.version, before=record.before, ready_limit_ms=record.ready_limit_ms)
    rewritten = layout.journal.read_bytes()
    layout.journal.write_bytes(another_boot(rewritten))
    settle(layout.home, 0, "next")
    attempt = Book(layout).attempt()
    assert (OLD, State.ROLLED_BACK) == (layout.current(), attempt.state)
    assert "the machine was restarted before the new version had proven itself" == attempt.text


def decoded(content: bytes) -> list:  # type: ignore[type-arg]
    from tpayd.releases.journal import decode

    return decode(content)[0]


def another_boot(content: bytes) -> bytes:
    from dataclasses import replace

    from tpayd.releases.journal import encode

    return b"".join(encode(replace(record, boot="an-earlier-boot")) for record in decoded(content))

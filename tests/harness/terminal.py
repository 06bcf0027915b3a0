"""A command in a terminal, before which somebody sits and types."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Seen", "at_a_terminal"]

_CHUNK = 4096
_THINKS_S = 0.3


@dataclass(frozen=True)
class Seen:
    """What the terminal showed, with its control sequences, and how the command ended."""

    status: int
    text: str
    at_answers: tuple[str, ...]
    """What it showed by the time of each answer, a moment after it was asked for."""


def at_a_terminal(
    command: Sequence[str | Path], answers: Mapping[str, str], *, environment: Mapping[str, str], wait_s: float = 60.0
) -> Seen:
    """Run the command; when a key of `answers` has been shown, think for a moment and type its value."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(str(command[0]), [str(word) for word in command], {**environment, "TERM": "xterm"})
    screen, at_answers = _Screen(terminal), list[str]()
    end_s = time.monotonic() + wait_s
    for prompt, answer in answers.items():
        while prompt not in screen.text and screen.watch(end_s):
            pass
        thought_s = time.monotonic() + _THINKS_S
        while time.monotonic() < thought_s and screen.watch(thought_s):
            pass
        at_answers.append(screen.text)
        os.write(terminal, answer.encode())
    while screen.watch(end_s):
        pass
    if time.monotonic() >= end_s:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    _, ended = os.waitpid(pid, 0)
    return Seen(os.waitstatus_to_exitcode(ended), screen.text, tuple(at_answers))


class _Screen:
    """All that was shown so far."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._shown = b""

    @property
    def text(self) -> str:
        return self._shown.decode(errors="replace")

    def watch(self, end_s: float) -> bool:
        """Wait for more until then; False if there is none."""
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, end_s - time.monotonic()))
        if not ready:
            return False
        try:
            more = os.read(self._terminal, _CHUNK)
        except OSError:  # Linux: the other side is closed
            return False
        self._shown += more
        return bool(more)

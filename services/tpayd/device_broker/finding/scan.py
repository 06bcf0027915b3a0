"""A search for devices: what to ask at which port next, from what was heard so far. Pure.

The rules:

* A port is asked one question at a time, in one driver's words at one speed; ports are asked side by side.
* Every driver's usual speed comes first, its other speeds after those of all drivers.
* Bytes that no driver understands are a wrong speed: the other speeds of the driver that heard them come next.
* A port that has answered, is in use, or cannot be opened is asked no more.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from tpayd.device_broker.drivers.driver import LineSettings
from tpayd.device_broker.drivers.events import Identity

__all__ = ["Candidate", "Finding", "Heard", "Reply", "Scan", "Question", "questions_of"]


class Candidate(Struct, frozen=True):
    """A port that may have a device."""

    path: str
    """Where it is now: a path or a URL."""
    name: str
    """What to configure: a name that survives replugging, where there is one."""
    device: str | None = None
    """The configured device whose port it is."""
    in_use: bool = False
    """That device has it open: it is not asked."""


class Question(Struct, frozen=True):
    """Who are you, in this driver's words, at this speed?"""

    driver: str
    baud: int


class Heard(enum.Enum):
    """What came of a question."""

    IDENTITY = "identity"
    NOISE = "noise"
    """Bytes that the driver does not understand."""
    SILENCE = "silence"
    IN_USE = "in_use"
    """Another program has the port."""
    FAILED = "failed"
    """It cannot be opened."""


class Reply(Struct, frozen=True):
    """The same, with what it says."""

    heard: Heard
    identity: Identity | None = None
    text: str = ""


class Finding(Struct):
    """What is known of a port so far."""

    candidate: Candidate
    question: Question | None = None
    """The one that was answered last."""
    reply: Reply | None = None
    noisy: bool = False


class Scan:
    """See the module."""

    def __init__(self, candidates: Iterable[Candidate], lines: Mapping[str, LineSettings]) -> None:
        """`lines`: the drivers to try, and what they expect of a line."""
        self.findings = {candidate.path: Finding(candidate) for candidate in candidates}
        order = questions_of(lines)
        self._left = {path: deque(order) for path, finding in self.findings.items() if not finding.candidate.in_use}
        self._asking: dict[str, Question] = {}
        self._asked = 0

    @property
    def done(self) -> int:
        """Questions that were answered, or are no longer needed."""
        return self.of - sum(map(len, self._left.values())) - len(self._asking)

    @property
    def of(self) -> int:
        """Questions at most."""
        return self._asked + sum(map(len, self._left.values()))

    @property
    def found(self) -> int:
        """Ports at which somebody has answered."""
        return sum(
            finding.reply is not None and finding.reply.heard is Heard.IDENTITY for finding in self.findings.values()
        )

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to ask."""
        return not self._asking and not any(self._left.values())

    def next(self) -> tuple[str, Question] | None:
        """The next question, for a port that is not being asked; None if there is none at present."""
        free = [path for path, left in self._left.items() if left and path not in self._asking]
        if not free:
            return None
        # Ports are brought forward evenly: the one with most left to ask is next.
        path = max(free, key=lambda path: len(self._left[path]))
        question = self._asking[path] = self._left[path].popleft()
        self._asked += 1
        return path, question

    def heard(self, path: str, reply: Reply) -> None:
        """What came of the question at that port."""
        finding, question = self.findings[path], self._asking.pop(path)
        if reply.heard is Heard.SILENCE and finding.noisy:
            return
        finding.question, finding.reply = question, reply
        left = self._left[path]
        if reply.heard is Heard.NOISE:
            finding.noisy = True
            left_of_it = [each for each in left if each.driver == question.driver]
            others = [each for each in left if each.driver != question.driver]
            self._left[path] = deque([*left_of_it, *others])
        elif reply.heard is not Heard.SILENCE:
            left.clear()


def questions_of(lines: Mapping[str, LineSettings]) -> Sequence[Question]:
    """In the order in which they are asked."""
    first = [Question(driver, line.baud) for driver, line in lines.items()]
    rest = [Question(driver, baud) for driver, line in lines.items() for baud in line.other_bauds]
    return [*first, *(question for question in rest if question not in first)]

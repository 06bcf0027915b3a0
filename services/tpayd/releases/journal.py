"""The apply journal: how one release follows another, as a table. Pure; the launcher and the updater both live by it.

One attempt to go over to a release is a row of events, each a line on disk before anything that depends on it is done:

| state       | event       | new state   | written by | before                                                       |
|-------------|-------------|-------------|------------|--------------------------------------------------------------|
| none        | STAGED      | STAGED      | updater    | anything else; all files of the release are on disk          |
| STAGED      | ORDERED     | ORDERED     | updater    | no payment is under way, and none can begin                  |
| ORDERED     | WITHDRAWN   | STAGED      | either     | nothing was done: nobody took the order, or it grew old      |
| ORDERED     | TRIAL       | TRIAL       | launcher   | the link is moved; all old processes have ended              |
| TRIAL       | READY       | READY       | updater    | all that was ready before is ready again                     |
| TRIAL       | ROLLED_BACK | ROLLED_BACK | launcher   | the old processes start; the link is back already            |
| READY       | ROLLED_BACK | ROLLED_BACK | launcher   | the same                                                     |
| READY       | COMMITTED   | COMMITTED   | updater    | older releases may be removed                                |
| STAGED      | STAGED      | STAGED      | updater    | another release took its place, or the same one once more    |
| COMMITTED   | STAGED      | STAGED      | updater    | the next attempt                                             |
| ROLLED_BACK | STAGED      | STAGED      | updater    | the next attempt                                             |

Whatever else is asked for is refused (`OutOfTurnError`); with one writer at a time (a lock), the first to write wins:
a release that was rolled back is never committed, and one that was committed never rolled back.

What a launcher does when it finds an attempt at its start, or meets one while it watches, is `next_step`, a table too.
"""

from __future__ import annotations

import enum
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = [
    "NOTHING",
    "Attempt",
    "Event",
    "OutOfTurnError",
    "Record",
    "State",
    "Step",
    "after",
    "attempts",
    "decode",
    "encode",
    "fold",
    "next_step",
]


class Event(enum.Enum):
    """What a line of the journal says."""

    STAGED = "staged"
    ORDERED = "ordered"
    WITHDRAWN = "withdrawn"
    TRIAL = "trial"
    READY = "ready"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


class State(enum.Enum):
    """Where the last attempt is."""

    NONE = "none"
    STAGED = "staged"
    ORDERED = "ordered"
    TRIAL = "trial"
    READY = "ready"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


_NEXT: dict[tuple[State, Event], State] = {
    (State.NONE, Event.STAGED): State.STAGED,
    (State.STAGED, Event.STAGED): State.STAGED,
    (State.COMMITTED, Event.STAGED): State.STAGED,
    (State.ROLLED_BACK, Event.STAGED): State.STAGED,
    (State.STAGED, Event.ORDERED): State.ORDERED,
    (State.ORDERED, Event.WITHDRAWN): State.STAGED,
    (State.ORDERED, Event.TRIAL): State.TRIAL,
    (State.TRIAL, Event.READY): State.READY,
    (State.READY, Event.COMMITTED): State.COMMITTED,
    (State.TRIAL, Event.ROLLED_BACK): State.ROLLED_BACK,
    (State.READY, Event.ROLLED_BACK): State.ROLLED_BACK,
}


class OutOfTurnError(Exception):
    """An event that the table does not have in this state: somebody else was first."""


@dataclass(frozen=True)
class Record:
    """One line."""

    event: Event
    version: str
    """Of the release that is gone over to."""
    at_ms: int
    """Unix time, for people."""
    boottime_ms: int
    """CLOCK_BOOTTIME, for limits."""
    boot: str
    """The kernel's id of this boot."""
    before: str = ""
    """The version that runs; ORDERED has it, and it is what a roll-back goes back to."""
    by: str = ""
    text: str = ""
    ready_limit_ms: int = 0
    """ORDERED: how long the release gets to be READY."""
    trial_ms: int = 0
    """ORDERED: how long it has to stay so."""
    ready: tuple[str, ...] = ()
    """ORDERED: the processes that were ready, and have to be so again."""
    took_ms: int = 0


@dataclass(frozen=True)
class Attempt:
    """What the lines of one attempt add up to."""

    state: State = State.NONE
    version: str = ""
    before: str = ""
    by: str = ""
    text: str = ""
    at_ms: int = 0
    """Of its last event."""
    boot: str = ""
    """In which its last event was written."""
    trial_from_ms: int = 0
    """CLOCK_BOOTTIME of the TRIAL, 0 before."""
    ordered_ms: int = 0
    ready_ms: int = 0
    ready_limit_ms: int = 0
    trial_ms: int = 0
    ready: tuple[str, ...] = ()
    took_ms: int = 0

    @property
    def on_trial(self) -> bool:
        """Whether a release runs that may still have to go."""
        return self.state in (State.TRIAL, State.READY)

    @property
    def deadline_ms(self) -> int:
        """CLOCK_BOOTTIME by which the next event of a trial is due."""
        if self.state is State.READY:
            # The updater writes COMMITTED; what it may be late by is one more limit.
            return self.ready_ms + self.trial_ms + self.ready_limit_ms
        return self.trial_from_ms + self.ready_limit_ms


NOTHING = Attempt()


def after(attempt: Attempt, record: Record) -> Attempt:
    """The attempt with one more event. Raises OutOfTurnError."""
    state = _NEXT.get((attempt.state, record.event))
    if state is None:
        raise OutOfTurnError(f"{record.event.value} of {record.version}: the attempt is {attempt.state.value} already")
    if record.event is not Event.STAGED and record.version != attempt.version:
        raise OutOfTurnError(f"{record.event.value} of {record.version}: the attempt is about {attempt.version}")
    if record.event is Event.STAGED:
        return Attempt(state, record.version, by=record.by, at_ms=record.at_ms, boot=record.boot, text=record.text)
    now = replace(attempt, state=state, at_ms=record.at_ms, boot=record.boot, text=record.text)
    if record.event is Event.ORDERED:
        return replace(
            now, before=record.before, by=record.by, ordered_ms=record.boottime_ms,
            ready_limit_ms=record.ready_limit_ms, trial_ms=record.trial_ms, ready=record.ready, trial_from_ms=0,
            ready_ms=0,
        )  # fmt: skip
    if record.event is Event.TRIAL:
        return replace(now, trial_from_ms=record.boottime_ms)
    if record.event is Event.READY:
        return replace(now, ready_ms=record.boottime_ms, took_ms=record.took_ms)
    return replace(now, took_ms=record.took_ms or attempt.took_ms)


def fold(records: Iterable[Record]) -> Attempt:
    """The last attempt. Raises OutOfTurnError: the file was written by something that does not know the table."""
    attempt = NOTHING
    for record in records:
        attempt = after(attempt, record)
    return attempt


def attempts(records: Iterable[Record]) -> list[Attempt]:
    """All of them, each as it ended, the oldest first."""
    found: list[Attempt] = []
    attempt = NOTHING
    for record in records:
        if record.event is Event.STAGED and attempt.state is not State.NONE:
            found.append(attempt)
        attempt = after(attempt, record)
        if record.event is Event.WITHDRAWN:
            # It shows as an end of its own: the order came to nothing, and the release stays where it is.
            found.append(replace(attempt, state=State.ORDERED))
    return [*found, attempt] if attempt.state is not State.NONE else found


class Step(enum.Enum):
    """What a launcher does next about an attempt."""

    NOTHING = "nothing"
    TAKE = "take the order: end the old processes, write TRIAL, move the link, start the new ones"
    WITHDRAW = "the order is old: write WITHDRAWN"
    WATCH = "the trial runs"
    BACK = "end the new processes, move the link back, write ROLLED_BACK, start the old ones"


def next_step(attempt: Attempt, *, linked: str, boot: str, now_ms: int, order_valid_ms: int) -> tuple[Step, str]:
    """What to do, and why.

    | attempt   | link     | and                                     | step     |
    |-----------|----------|-----------------------------------------|----------|
    | ORDERED   | any      | another boot, or older than it is valid | WITHDRAW |
    | ORDERED   | any      | else                                    | TAKE     |
    | on trial  | elsewhere| whatever happened came before the flip, | BACK     |
    |           |          | or after the flip back                  |          |
    | on trial  | on it    | another boot                            | BACK     |
    | on trial  | on it    | its deadline has passed                 | BACK     |
    | on trial  | on it    | else                                    | WATCH    |
    | any other | any      |                                         | NOTHING  |

    Args:
        attempt: the last one.
        linked: the version that the link names.
        boot: the kernel's id of this boot.
        now_ms: CLOCK_BOOTTIME.
        order_valid_ms: how old an order may be that is taken.
    """
    if attempt.state is State.ORDERED:
        if attempt.boot != boot:
            return Step.WITHDRAW, "the machine was restarted before it began"
        if now_ms - attempt.ordered_ms > order_valid_ms:
            return Step.WITHDRAW, f"nobody took the order within {order_valid_ms / 1000:.0f} s"
        return Step.TAKE, ""
    if not attempt.on_trial:
        return Step.NOTHING, ""
    if linked != attempt.version:
        return Step.BACK, "the change was cut off before the new version ran"
    if attempt.boot != boot:
        return Step.BACK, "the machine was restarted before the new version had proven itself"
    if now_ms > attempt.deadline_ms:
        why = (
            "it was ready, and never kept for good"
            if attempt.state is State.READY
            else f"it was not ready within {attempt.ready_limit_ms / 1000:.0f} s"
        )
        return Step.BACK, why
    return Step.WATCH, ""


# How a line looks: JSON, a blank, CRC-32 of the JSON in eight digits. A line that a power cut tore does not fit it.

_TEXT_MAX_CHARS = 500


def encode(record: Record) -> bytes:
    """One line."""
    document = {
        "event": record.event.value, "version": record.version, "at_ms": record.at_ms,
        "boottime_ms": record.boottime_ms, "boot": record.boot, "before": record.before, "by": record.by,
        "text": record.text[:_TEXT_MAX_CHARS], "ready_limit_ms": record.ready_limit_ms,
        "trial_ms": record.trial_ms, "ready": list(record.ready), "took_ms": record.took_ms,
    }  # fmt: skip
    text = json.dumps({key: value for key, value in document.items() if value not in ("", 0, [])}).encode()
    return b"%s %08x\n" % (text, zlib.crc32(text))


def decode(content: bytes) -> tuple[list[Record], int]:
    """The records of a file, and how many of its bytes they are: what follows was torn by a power cut.

    Raises ValueError for a line that is broken and not the last: that is no power cut.
    """
    records: list[Record] = []
    good = 0
    lines = content.split(b"\n")
    for number, line in enumerate(lines[:-1]):
        record = _record(line)
        if record is None:
            if any(_record(later) is not None for later in lines[number + 1 :]):
                raise ValueError(f"line {number + 1} is damaged, and lines after it are not")
            break
        records.append(record)
        good += len(line) + 1
    return records, good


def _record(line: bytes) -> Record | None:
    text, _, check = line.rpartition(b" ")
    try:
        if int(check, 16) != zlib.crc32(text):
            return None
        document: Mapping[str, object] = json.loads(text)
        return Record(**{**document, "event": Event(document["event"]), "ready": _names(document.get("ready"))})  # type: ignore[arg-type]
    except (ValueError, KeyError, TypeError):
        return None


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, Sequence) else ()

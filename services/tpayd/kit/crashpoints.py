"""Named points at which a process of a sandbox can be made to kill itself: each boundary to disk, socket and port.

`passing("journal.before_commit")` stands in the payment path at every such boundary, just before or after what it
names. Unarmed it costs less than 0.1 µs and does nothing. It is armed through a small file in the instance's run
directory, `run/crashpoints`, which all processes map; and only in processes that were started with the environment
variable TPAYD_CRASHPOINTS set and whose store.toml says `sandbox = true`. In a live store the variable is refused.

A point that fires is disarmed before the process dies, so that the restarted process lives. Several points can be
armed one after the other: the next counts from the death of the one before. The file also counts all passings, which
shows that no point of the table is dead.
"""

from __future__ import annotations

import mmap
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from tpayd.kit.instance import Instance
from tpayd.kit.logs import Log

__all__ = [
    "KEY_EXCHANGE",
    "OUTBOX",
    "STAGES_MAX",
    "STAGING",
    "TABLE",
    "VARIABLE",
    "CrashPoint",
    "Switchboard",
    "passing",
    "prepare",
]

VARIABLE = "TPAYD_CRASHPOINTS"
STAGES_MAX = 4
"""Points that can be armed one after the other."""


class CrashPoint(NamedTuple):
    """Whose it is, and what a death there means."""

    process: str
    meaning: str


TABLE: dict[str, CrashPoint] = {
    "gateway.received": CrashPoint("gateway", "a request was checked; nobody else knows of it"),
    "gateway.forwarded": CrashPoint("gateway", "the request was handed to its service"),
    "gateway.before_reply": CrashPoint("gateway", "the service's answer came in; the client has not got it"),
    "gateway.after_reply": CrashPoint("gateway", "the answer was handed to the client's connection"),
    "payment.received": CrashPoint("transaction", "a request came in; nothing of it is known anywhere"),
    "lease.before_ask": CrashPoint("transaction", "no reader is asked for yet"),
    "lease.after_grant": CrashPoint("transaction", "the broker has lent a reader"),
    "card.before_read": CrashPoint("transaction", "a reader is held; what it has read is not looked at"),
    "card.after_read": CrashPoint("transaction", "the card's data is in memory"),
    "seal.encoded": CrashPoint("transaction", "the message is complete; its number and its state are not on disk"),
    "journal.before_write": CrashPoint("transaction", "a batch is about to be written"),
    "journal.before_commit": CrashPoint("transaction", "its rows are in an open database transaction"),
    "journal.after_commit": CrashPoint("transaction", "it is on disk, and nobody has been told so"),
    "transmit.before_send": CrashPoint("transaction", "SENDING is on disk, and no byte has left"),
    "transmit.after_answer": CrashPoint("transaction", "the host's answer is here, checked and unrecorded"),
    "finish.before_card": CrashPoint("transaction", "the card has not heard the host's word"),
    "finish.after_card": CrashPoint("transaction", "the card has said its last word; it is not recorded"),
    "tell.before_answer": CrashPoint("transaction", "the verdict is decided; the POS has not heard it"),
    "tell.after_answer": CrashPoint("transaction", "the verdict was handed to the bus"),
    "reversal.before_send": CrashPoint("transaction", "the reversal is on disk, and no byte of it has left"),
    "reversal.after_answer": CrashPoint("transaction", "the host has answered the reversal; it is not recorded"),
    "inquiry.before_send": CrashPoint("transaction", "the inquiry is on disk, and no byte of it has left"),
    "inquiry.after_answer": CrashPoint("transaction", "the host has answered the inquiry; it is not recorded"),
    "recovery.before_commit": CrashPoint("transaction", "a new process has decided about what it found open"),
    "recovery.after_commit": CrashPoint("transaction", "and that is on disk, but nothing has been sent yet"),
    "line.before_send": CrashPoint("host_link", "an exchange came in, no byte of it has left"),
    "line.after_send": CrashPoint("host_link", "its bytes were handed to the line"),
    "line.received": CrashPoint("host_link", "the matching answer came off the line"),
    "line.answered": CrashPoint("host_link", "the answer was handed to the bus"),
    "lease.before_grant": CrashPoint("device_broker", "a reader is lent, and nobody knows it yet"),
    "port.before_write": CrashPoint("device_broker", "bytes for a reader have not left"),
    "port.after_write": CrashPoint("device_broker", "bytes for a reader were written to its port"),
    "port.after_read": CrashPoint("device_broker", "bytes of a reader came in"),
    "reader.before_answer": CrashPoint("device_broker", "a reader has ended a step; nobody has been told"),
    "counter.before_reserve": CrashPoint("key_manager", "a block of counters is about to be reserved"),
    "counter.after_reserve": CrashPoint("key_manager", "it is on disk, and none of it is used"),
    "mac.before_made": CrashPoint("key_manager", "a MAC is asked for"),
    "mac.after_made": CrashPoint("key_manager", "it is made, and no byte has left"),
    "relay.sent": CrashPoint("key_manager", "the message was handed to the host link"),
    "relay.answered": CrashPoint("key_manager", "the host's answer is here, unchecked"),
    "mac.after_check": CrashPoint("key_manager", "an answer's MAC was checked, and nobody has been told"),
}
"""Every point, in the order in which a sale passes them, process by process."""

KEY_EXCHANGE: dict[str, CrashPoint] = {
    "exchange.before_ask": CrashPoint("key_manager", "the host has not been asked for a key"),
    "exchange.answered": CrashPoint("key_manager", "the host has given out a key, and nobody has kept it"),
    "exchange.staged": CrashPoint("key_manager", "the new key is on disk; the other side is not known to hold it"),
    "exchange.taken": CrashPoint("key_manager", "the reader holds the new key, and the key store does not know it"),
    "exchange.confirmed": CrashPoint("key_manager", "both hold it, and the one before is still in use"),
}
"""Points that a key exchange passes, beside those of ports and lines; no sale does."""

OUTBOX: dict[str, CrashPoint] = {
    "outbox.asked": CrashPoint("log_shipper", "the request is on disk, and nobody has been told"),
    "outbox.packed": CrashPoint("log_shipper", "the bundle's bytes are on disk, without its name"),
    "outbox.renamed": CrashPoint("log_shipper", "the bundle has its name, and no record says so"),
    "outbox.recorded": CrashPoint("log_shipper", "the record says so, and nothing has been sent"),
    "outbox.delivered": CrashPoint("log_shipper", "the server has it, and no record says so"),
    "outbox.ended": CrashPoint("log_shipper", "the record says so, and nobody has been told"),
}
"""Points that a bundle of logs passes."""

STAGING: dict[str, CrashPoint] = {
    "staging.began": CrashPoint("updater", "a release is fetched, and an environment for it is made, empty"),
    "staging.installed": CrashPoint("updater", "all of it is on disk, where nobody looks for a release"),
    "staging.renamed": CrashPoint("updater", "it has its place, and the apply journal does not say so"),
}
"""Points that the installing of a release passes."""

_NAMES = (*TABLE, *KEY_EXCHANGE, *OUTBOX, *STAGING)
_NUMBERS = {name: number for number, name in enumerate(_NAMES)}
_CELL_BYTES = 8
_SIZE = _CELL_BYTES * (2 * STAGES_MAX + len(_NAMES))


class Switchboard:
    """The shared file: stages (a point's number from 1, passings left), then the count of each point's passings."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises OSError."""
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, _SIZE)
            self._map = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)
        self._cells = memoryview(self._map).cast("Q")

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """The instance's own. Raises OSError."""
        return cls(instance.run / "crashpoints")

    def arm(self, *stages: tuple[str, int]) -> None:
        """Have the n-th passing of the first point kill its process, then that of the second, and so on.

        Without stages everything is disarmed. Raises ValueError.
        """
        if len(stages) > STAGES_MAX or any(name not in _NUMBERS or passings < 1 for name, passings in stages):
            raise ValueError(f"not {STAGES_MAX} points of the table at most, each with passings from 1: {stages}")
        self._cells[0] = 0
        self._write([(_NUMBERS[name] + 1, passings) for name, passings in stages])

    def armed(self) -> list[tuple[str, int]]:
        """What has not fired yet, with the passings left."""
        return [(_NAMES[number - 1], passings) for number, passings in self._stages()]

    def counts(self) -> dict[str, int]:
        """How often each point was passed by processes that were started with the variable set."""
        return {name: self._cells[2 * STAGES_MAX + number] for name, number in _NUMBERS.items()}

    def passed(self, point: str) -> None:
        """Count, and die here if that was ordered. Raises KeyError for a name that is not in the table."""
        number, cells = _NUMBERS[point], self._cells
        cells[2 * STAGES_MAX + number] += 1
        if cells[0] != number + 1:
            return
        cells[1] -= 1
        if not cells[1]:
            self._write(self._stages()[1:])
            os.kill(os.getpid(), signal.SIGKILL)

    def _stages(self) -> list[tuple[int, int]]:
        pairs = [(self._cells[2 * at], self._cells[2 * at + 1]) for at in range(STAGES_MAX)]
        return [pair for pair in pairs if pair[0]]

    def _write(self, stages: Sequence[tuple[int, int]]) -> None:
        # The first point's number goes last: with it the order counts.
        for at in reversed(range(STAGES_MAX)):
            number, passings = stages[at] if at < len(stages) else (0, 0)
            self._cells[2 * at + 1] = passings
            self._cells[2 * at] = number


_board: Switchboard | None = None


def passing(point: str) -> None:
    """The process is at this point of the table."""
    if _board is not None:
        _board.passed(point)


def prepare(instance: Instance, *, sandbox: bool, log: Log) -> None:
    """At the start of a process: let its points be armed, if the environment asks for it and the store is a sandbox."""
    global _board  # noqa: PLW0603  one per process; passed around it would cost every boundary an argument
    if not os.environ.get(VARIABLE):
        return
    if not sandbox:
        log.error("crashpoints.refused", why=f"{VARIABLE} is set, and this is no sandbox: nothing can be armed")
        return
    _board = Switchboard.of(instance)
    log.warning("crashpoints.can_be_armed", points=len(TABLE))

"""What goes wrong with a connection to the sandbox's server, and for how long. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from tpayd_contracts.sandbox_logs import LogsBehaviour, LogsFault

__all__ = ["Faults"]


class Faults:
    """The behaviour that was ordered, as it is used up."""

    def __init__(self) -> None:
        self.behaviour = LogsBehaviour()

    def refuses(self) -> bool:
        """Whether the next connection is hung up on."""
        return self.behaviour.fault is LogsFault.REFUSED and self._used()

    def room(self, had_bytes: int) -> int | None:
        """How many more bytes a connection gets through that has brought `had_bytes`; None: as many as it likes."""
        if self.behaviour.fault not in (LogsFault.CUT, LogsFault.SILENT):
            return None
        return max(0, self.behaviour.at_bytes - had_bytes)

    def cut(self) -> bool:
        """A connection has no more room: whether it is cut, else it falls silent."""
        return self.behaviour.fault is LogsFault.CUT and self._used()

    def told_size(self, size_bytes: int) -> int:
        """What is said of a file of that size."""
        lies = self.behaviour.fault is LogsFault.WRONG_SIZE
        return size_bytes + (self.behaviour.at_bytes if lies else 0)

    def is_full(self, size_bytes: int) -> bool:
        """Whether a file cannot grow to that size."""
        return self.behaviour.fault is LogsFault.FULL and size_bytes > self.behaviour.at_bytes

    @property
    def unwritable(self) -> bool:
        return self.behaviour.fault is LogsFault.READ_ONLY

    @property
    def unreadable(self) -> bool:
        return self.behaviour.fault is LogsFault.WRITE_ONLY

    def _used(self) -> bool:
        behaviour = self.behaviour
        if behaviour.times:
            left = behaviour.times - 1
            self.behaviour = replace(behaviour, times=left) if left else LogsBehaviour()
        return True

"""The proof of redaction: no card number, track or key in the bytes that go into a bundle. No I/O.

It looks at every byte, line by line, by the rules of `tpayd.kit.leaks`. What has no line end is looked at in pieces
that overlap by more than the longest thing that is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tpayd.kit.leaks import Leak, leaks_in

__all__ = ["RULES", "Finding", "Prover"]

RULES = "tpayd.kit.redaction: card numbers by Luhn, tracks 1 and 2, named secrets, named keys"
"""What was looked for, for the manifest."""

_PIECE_BYTES = 1024 * 1024
_OVERLAP_BYTES = 4096
"""Above the longest track, and above a key with separators behind its name."""


@dataclass(frozen=True)
class Finding:
    """Where something is that must not be there."""

    file: str
    line: int
    """From 1 on, in the file itself."""
    kinds: tuple[Leak, ...]

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {', '.join(self.kinds)}"


class Prover:
    """Looks at one file's bytes as they come."""

    def __init__(self, file: str, first_line: int = 1) -> None:
        self._file = file
        self._line = first_line
        self._rest = b""

    @property
    def line(self) -> int:
        """The number of the next line."""
        return self._line

    def feed(self, block: bytes) -> Iterator[Finding]:
        """The next bytes. Must be used up before the next call."""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            yield from self._look(line)
            self._line += 1
        if len(self._rest) > _PIECE_BYTES:
            yield from self._look(self._rest)
            self._rest = self._rest[-_OVERLAP_BYTES:]

    def finish(self) -> Iterator[Finding]:
        """There are no more."""
        if self._rest:
            yield from self._look(self._rest)
            self._line += 1
            self._rest = b""

    def _look(self, line: bytes) -> Iterator[Finding]:
        kinds = leaks_in(line)
        if kinds:
            yield Finding(self._file, self._line, tuple(sorted(kinds)))

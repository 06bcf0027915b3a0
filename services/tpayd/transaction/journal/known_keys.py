"""Which request ids the journal may hold, in a bounded piece of memory: a Bloom filter.

Nearly every sale comes under a new request id. Asking the disk each time whether it was used before costs a sale a turn
of the writing thread, which other payments wait for. The filter says 'certainly not' for a new id without the disk; for
a used one it never does, and for a few new ones it says 'maybe', which only means that the disk is asked.

2 MiB hold a million payments with two 'maybe' in a thousand new ids, and five million with one in four.
"""

from __future__ import annotations

__all__ = ["KnownKeys"]

_BITS = 1 << 24
_MASK = _BITS - 1
_PLACES = 4
"""Bits set for each key."""
_HALF = 32


class KnownKeys:
    """Keys that were ever put. Until it is `complete`, every key may be held."""

    __slots__ = ("_bits", "complete")

    def __init__(self) -> None:
        self._bits = bytearray(_BITS // 8)
        self.complete = False
        """Whether all that the journal held at the start has been added."""

    def add(self, lane: str, request_id: str) -> None:
        """A payment of this key is in the journal, or will be."""
        bits = self._bits
        at, step = _hashes(lane, request_id)
        for _ in range(_PLACES):
            bits[at >> 3 & _MASK >> 3] |= 1 << (at & 7)
            at += step

    def may_hold(self, lane: str, request_id: str) -> bool:
        """False: no payment of this key was ever put."""
        if not self.complete:
            return True
        bits = self._bits
        at, step = _hashes(lane, request_id)
        for _ in range(_PLACES):
            if not bits[at >> 3 & _MASK >> 3] >> (at & 7) & 1:
                return False
            at += step
        return True


def _hashes(lane: str, request_id: str) -> tuple[int, int]:
    """Where a key's first bit lies, and how far apart its others are.

    Python's hash of text has a secret of the process, so that nobody outside can choose ids that collide.
    """
    both = hash((lane, request_id))
    return both & (1 << _HALF) - 1, both >> _HALF | 1

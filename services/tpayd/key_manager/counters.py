"""DUKPT counters: reserved on disk in blocks before the first of them is used. A crash skips numbers, it repeats none.

Half a block before the end the next one is asked for by `reserve_ahead`, off the event loop, so that taking a counter
does not wait for the disk. Where that was not quick enough, taking one waits: slow, and right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tpayd.crypto.dukpt import LAST_COUNTER, next_counter

__all__ = ["BLOCK", "Counters"]

BLOCK = 256
"""Counters reserved at a time. Each restart skips up to twice as many of the 2.4 thousand million that a key has."""


@dataclass(slots=True)
class _Block:
    last: int
    """The last counter handed out."""
    limit: int
    """The highest counter reserved on disk."""
    refilling: bool = False


class Counters:
    """The next counter of each key. For one thread."""

    def __init__(
        self,
        reserved: Mapping[str, int],
        reserve: Callable[[str, int], None],
        reserve_ahead: Callable[[str, int], None],
        block: int = BLOCK,
    ) -> None:
        """`reserved`: the highest counter of each key that was reserved in earlier lives.

        `reserve(key_id, limit)` returns once it is on disk, or raises; it never lowers a limit. `reserve_ahead` starts
        the same elsewhere and returns at once; `reserved_ahead` is called when that has ended.
        """
        self._blocks = {key_id: _Block(limit, limit) for key_id, limit in reserved.items()}
        self._reserve = reserve
        self._reserve_ahead = reserve_ahead
        self._block = block

    def take(self, key_id: str) -> int:
        """The next counter of a key, never given before.

        Raises:
            CounterExhaustedError: the key has none left.
            StoreError: the disk did not take the reservation; nothing was handed out.
        """
        block = self._blocks.get(key_id)
        if block is None:
            block = self._blocks[key_id] = _Block(0, 0)
        counter = next_counter(block.last)
        if counter > block.limit:
            limit = self._limit_after(block)
            self._reserve(key_id, limit)
            block.limit = limit
        block.last = counter
        if block.limit - counter < self._block // 2 and not block.refilling and block.limit < LAST_COUNTER:
            block.refilling = True
            self._reserve_ahead(key_id, self._limit_after(block))
        return counter

    def reserved_ahead(self, key_id: str, limit: int | None) -> None:
        """The block asked for is on disk up to `limit`; None: it failed, and is to be asked for again."""
        block = self._blocks.get(key_id)
        if block is not None:
            block.refilling = False
            block.limit = max(block.limit, limit or 0)

    def _limit_after(self, block: _Block) -> int:
        # Near the top, blocks of numbers hold few counters that may be used: at least reach the next one.
        return min(max(next_counter(block.limit), block.limit + self._block), LAST_COUNTER)

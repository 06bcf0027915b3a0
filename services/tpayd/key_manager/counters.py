"""DUKPT counters: reserved on disk in blocks before the first of them is used. A crash skips numbers, it repeats none.

Taking one never waits for the disk: while half a block is left the next one is asked for, with those of all keys that
run low, and where none is left the message waits, not the event loop (`NotReservedError`). Pure: `reserving` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from tpayd.crypto.dukpt import LAST_COUNTER, next_counter
from tpayd.key_manager.errors import NotReservedError

__all__ = ["BLOCK", "Counters"]

BLOCK = 256
"""Counters reserved at a time. Each restart skips up to twice as many of the 2.4 thousand million that a key has."""


class _Block(Struct):
    last: int
    """The last counter handed out."""
    limit: int
    """The highest counter reserved on disk."""


class Counters:
    """The next counter of each key. For one thread."""

    def __init__(self, reserved: Mapping[str, int], run_low: Callable[[], None], block: int = BLOCK) -> None:
        """`reserved`: the highest counter of each key that was reserved in earlier lives.

        `run_low` is called whenever a key has less than half a block: have `wanted` written, then call `reserved`.
        """
        self._earlier = dict(reserved)
        self._blocks: dict[str, _Block] = {}
        self._run_low = run_low
        self._block = block

    def use(self, key_ids: Iterable[str]) -> None:
        """Have blocks for these keys before anybody takes of them."""
        for key_id in key_ids:
            self._block_of(key_id)
        self._run_low()

    def take(self, key_id: str) -> int:
        """The next counter of a key, never given before.

        Raises:
            CounterExhaustedError: the key has none left.
            NotReservedError: none is in hand; a block is asked for.
        """
        block = self._blocks.get(key_id) or self._block_of(key_id)
        counter = next_counter(block.last)
        if counter > block.limit:
            self._run_low()
            raise NotReservedError(f"no counter of key {key_id} is reserved yet")
        block.last = counter
        if block.limit - counter < self._block // 2:
            self._run_low()
        return counter

    def wanted(self) -> dict[str, int]:
        """What to reserve now, key by key: the highest counter. All that a quarter was taken of go together."""
        return {
            key_id: self._limit_after(block.limit)
            for key_id, block in self._blocks.items()
            if block.limit - block.last < self._block * 3 // 4 and block.limit < LAST_COUNTER
        }

    def first_block(self, key_id: str) -> dict[str, int]:
        """What to reserve for a key that comes into force."""
        block = self._blocks.get(key_id)
        return {key_id: self._limit_after(self._earlier.get(key_id, 0) if block is None else block.limit)}

    def reserved(self, limits: Mapping[str, int]) -> None:
        """These are on disk."""
        for key_id, limit in limits.items():
            block = self._block_of(key_id)
            block.limit = max(block.limit, limit)

    def forget(self, key_id: str) -> None:
        """The key is gone. Should it ever come again, it goes on where it ended."""
        block = self._blocks.pop(key_id, None)
        if block is not None:
            self._earlier[key_id] = block.limit

    def _block_of(self, key_id: str) -> _Block:
        block = self._blocks.get(key_id)
        if block is None:
            limit = self._earlier.get(key_id, 0)
            block = self._blocks[key_id] = _Block(limit, limit)
        return block

    def _limit_after(self, limit: int) -> int:
        # Near the top, blocks of numbers hold few counters that may be used: at least reach the next one.
        return min(max(next_counter(limit), limit + self._block), LAST_COUNTER)

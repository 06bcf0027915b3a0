"""Several stores at once, each in a process of its own: most of a cell is waiting."""

from __future__ import annotations

import multiprocessing
import queue
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crashpoints.bench import Bench
from tests.crashpoints.cells import Cell, Found

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

__all__ = ["try_all"]

_SILENCE_MAX_S = 300.0
"""A cell takes a few seconds; after so long without any the run has failed."""
_LOOK_S = 1.0
_END_S = 30.0


def try_all(cells: Sequence[Cell], stores: int, place: Path) -> Iterator[Found]:
    """Each cell's result as it comes. Ends early, and says why on stderr, when the stores are gone or say nothing."""
    shutil.rmtree(place, ignore_errors=True)
    context = multiprocessing.get_context("spawn")
    todo: Queue[Cell | None] = context.Queue()
    done: Queue[Found | str] = context.Queue()
    for cell in (*cells, *[None] * stores):
        todo.put(cell)
    workers = [context.Process(target=_work, args=(place / str(n), todo, done)) for n in range(1, stores + 1)]
    for worker in workers:
        worker.start()
    try:
        left, heard_s = len(cells), time.monotonic()
        while left and time.monotonic() - heard_s < _SILENCE_MAX_S and any(worker.is_alive() for worker in workers):
            try:
                each = done.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            heard_s = time.monotonic()
            if isinstance(each, str):
                print(each, file=sys.stderr)
            else:
                left -= 1
                yield each
        if left:
            print(f"{left} cells were not tried", file=sys.stderr)
    finally:
        for worker in workers:
            worker.join(_END_S)
            worker.terminate()
            worker.join()


def _work(place: Path, todo: Queue[Cell | None], done: Queue[Found | str]) -> None:
    place.mkdir(parents=True)
    try:
        with Bench.opened(place.resolve()) as bench:
            while (cell := todo.get()) is not None:
                done.put(bench.try_out(cell))
    except Exception:
        done.put(f"a store failed, see {place}:\n{traceback.format_exc()}")

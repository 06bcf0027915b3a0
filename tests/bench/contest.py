"""The whole chain, the floor and the plain chain: all three are up at once and take turns."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from tests.bench import chain, floor, plain
from tests.bench.processes import Children
from tests.bench.rounds import LANES, Contender, Duration, Phase, one_each, run_round

__all__ = ["FULL", "QUICK", "contest"]

FULL = Duration(one_lane_s=5.0, many_lanes_s=8.0)
QUICK = Duration(one_lane_s=0.5, many_lanes_s=0.8)


def contest(directory: Path, duration: Duration, count: int) -> list[list[Phase]]:
    """So many rounds, in a store of its own below `directory`. Raises RuntimeError for any answer but an approval."""
    with ExitStack() as stack:
        children = {part: stack.enter_context(Children()) for part in ("floor", "plain")}
        for part in children:
            (directory / part).mkdir()
        floor.start(children["floor"], directory / "floor")
        plain.start(children["plain"], directory / "plain")
        store = stack.enter_context(chain.started(directory, LANES))
        contenders = (
            Contender("chain", store.home, one_each(store.daemon), one_each(store.sandbox), (1, LANES)),
            Contender("floor", directory / "floor", one_each(children["floor"].pids), {}, (1,)),
            Contender("plain", directory / "plain", one_each(children["plain"].pids), {}, (1, LANES)),
        )
        ours = {pid for contender in contenders for pid in contender.everyone}
        rounds = []
        for number in range(1, count + 1):
            rounds.append(run_round(contenders, duration, ours))
            print(f"round {number} of {count} done", flush=True)
        return rounds

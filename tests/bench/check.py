"""`python -m tests.bench.check [--record]`: has the chain become slower? Short enough for every run of the tests.

Three short rounds, compared with `recorded.json` beside this file by `tests.bench.guard`. If they look slower, or the
machine was disturbed, three more rounds in a new store have a say too. A machine that stays disturbed is told and
passes: what cannot be judged is no failure. The last line is for scripts: `bench-check: ok`, `slower` (exit status 1)
or `not judged`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.bench.contest import QUICK, contest
from tests.bench.guard import RATIOS, Judgement, Looked, Record, Verdict, judge, ratios
from tests.bench.machine import describe

_RECORD = Path(__file__).with_name("recorded.json")
_ROUNDS = 3
_ROUNDS_TO_RECORD = 7
_ATTEMPTS = 2


def main() -> None:
    """Judge, or record."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.check", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help="write down what this machine gives now, when it is quiet"
    )
    options = parser.parse_args()
    if options.record:
        _record()
        return
    record = msgspec.json.decode(_RECORD.read_bytes(), type=Record)
    judgement = _judged(record)
    for sentence in judgement.sentences:
        print(sentence)
    print(f"bench-check: {judgement.verdict.value}")
    sys.exit(1 if judgement.verdict is Verdict.SLOWER else 0)


def _judged(record: Record) -> Judgement:
    rounds: list[Looked] = []
    judgement = Judgement(Verdict.NOT_JUDGED, ())
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            rounds += _rounds(_ROUNDS)
        except (OSError, RuntimeError) as error:  # TimeoutError is an OSError
            # The chain itself may be at fault: then so it is at the second attempt, and no judgement hides it.
            if attempt == _ATTEMPTS and isinstance(error, RuntimeError):
                raise
            judgement = Judgement(Verdict.NOT_JUDGED, [f"could not be measured: {error}"])
        else:
            judgement = judge(rounds, record, os.cpu_count() or 1)
        if judgement.verdict is Verdict.OK:
            break
        if attempt < _ATTEMPTS:
            print(
                *judgement.sentences, f"{judgement.verdict.value} at the first attempt; once more", sep="\n", flush=True
            )
    return judgement


def _rounds(count: int) -> list[Looked]:
    with tempfile.TemporaryDirectory(prefix="tpayd-bench-") as name:
        before_us = describe(Path(name)).sync_us
        rounds = contest(Path(name), QUICK, count)
        after_us = describe(Path(name)).sync_us
    return [Looked(phases, max(before_us, after_us)) for phases in rounds]


def _record() -> None:
    rounds = _rounds(_ROUNDS_TO_RECORD)
    for looked in rounds:
        if looked.disturbed:
            sys.exit(f"not recorded: {looked.disturbed}; repeat it when the machine is quiet")
    told = [ratios(looked.phases) for looked in rounds]
    medians = {name: round(statistics.median(one[name] for one in told), 3) for name in RATIOS}
    record = Record(cpus=os.cpu_count() or 1, ratios=medians)
    _RECORD.write_bytes(msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")
    print(f"{_RECORD.name}: {medians}")


if __name__ == "__main__":
    main()

"""`python -m tests.torture [--kills N] [--seed S] [--fresh]`: real processes in a storm, and the books after it.

Eight lanes share three readers while processes are killed and stopped at random, the host misbehaves, readers are
unplugged, the journal's disk fails and power cuts are imagined. Every 50 kills all heals and three books are compared:
what each POS was told, the journal, the host's ledger. A run that was interrupted goes on where it stopped. Exits with
1, and keeps the instance with its logs, where anything is wrong; the last line of the output is for scripts.

TORTURE_JOURNAL=postgresql runs it on a PostgreSQL server of its own (such a run does not go on after an interruption).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.harness.postgres import PostgresServer
from tests.torture import disk_faults
from tests.torture.campaign import Campaign

_SHOWN = 20


def main() -> int:
    """Run or go on, print the result."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell's background job ignores SIGINT; this one must take its instance down with it.
        signal.signal(number, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of a new run; by chance without it")
    parser.add_argument("--fresh", action="store_true", help="forget a run that was interrupted")
    parser.add_argument("--place", type=Path, default=Path("var/torture"), help="directory (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="keep the instance where nothing was wrong, too")
    parser.add_argument("--stage", type=int, default=50, help="kills between two looks at the books")
    options = parser.parse_args()
    postgresql = os.environ.get("TORTURE_JOURNAL", "sqlite") == "postgresql"
    if options.fresh or options.seed is not None or postgresql:
        shutil.rmtree(options.place, ignore_errors=True)
    with ExitStack() as stack:
        database = stack.enter_context(PostgresServer()) if postgresql else None
        seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
        campaign = Campaign(
            options.place.resolve(), seed, _say, wanted=options.kills, stage_kills=options.stage, database=database
        )
        sums = campaign.sums
        _say(f"{'going on with' if campaign.resumed else 'seed'} {sums.seed}, {sums.kills} kills so far")
        if disk_faults.why_not():
            _say(f"without disk faults: {disk_faults.why_not()}")
        wrong = campaign.run()
    if wrong or not sums.whole:
        kept = options.place.with_name(f"{options.place.name}-failed-{sums.seed}")
        shutil.rmtree(kept, ignore_errors=True)
        options.place.rename(kept)
        for line in wrong[:_SHOWN]:
            print("WRONG", line)
        print(f"{len(wrong)} things are wrong. {kept}/diary.jsonl says what was done and when, {kept}/told.jsonl what")
        print(f"the POSs were told, {kept}/instance/store/log what the processes say;")
        print(f"again: python -m tests.torture --seed {sums.seed} --kills {sums.kills}")
    elif not options.keep:
        shutil.rmtree(options.place)
    print(sums.last_line())
    return 0 if sums.whole else 1


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("torture: interrupted; it goes on where the last stage ended when it is started again")

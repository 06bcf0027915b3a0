"""A short storm: 50 processes are killed while 8 lanes sell, and all books agree. `make torture` is the long one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 50
SEED = 20260131
LAST_LINE = re.compile(
    r"torture: kills=(\d+) payments=(\d+) mismatches=0 unresolved=0 leases_left=0 duplicate_stan=0 card_bytes=0"
    r" max_verdict_s=(\d+\.\d\d)"
)


@pytest.mark.alone
@pytest.mark.timeout(400)
def test_nothing_is_lost_in_a_storm(tmp_path: Path) -> None:
    """Kills and stops of any process, a host, readers and a disk that fail: no mismatch, nothing left open."""
    command = [sys.executable, "-m", "tests.torture", "--kills", str(KILLS), "--stage", str(KILLS)]
    command += ["--seed", str(SEED), "--place", str(tmp_path / "torture")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    found = LAST_LINE.fullmatch(done.stdout.splitlines()[-1])
    assert found is not None, done.stdout
    kills, payments, max_verdict_s = int(found[1]), int(found[2]), float(found[3])
    assert kills >= KILLS
    assert payments > KILLS
    assert max_verdict_s < 2.0
    assert 0 == done.returncode

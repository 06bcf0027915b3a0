"""docs/examples/give_back.py does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.payment.till import Till

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "give_back.py"


def test_a_sale_its_void_and_both_receipts(till: Till, key_file: Path, tmp_path: Path) -> None:
    """Over tcp with a key file, as on a lane PC; the host has nothing left of it."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(key_file), till.lane, "47011"],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()

    assert 0 == done.returncode, done.stderr
    assert ["PAID sale Approved", "PAID void Approved"] == [line for line in lines if line.startswith("PAID")]
    assert ["47,011 won", "-47,011 won"] == [line.removeprefix("TOTAL").strip() for line in lines if "TOTAL" in line]
    assert "left of the sale: 0 won" == lines[-1]
    assert 0 == next(one.net_minor for one in till.store.sandbox.ledger() if one.amount_minor == 47_011)

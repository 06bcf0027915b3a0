"""The short form of `make log-fuzz`: some hundred fuzzed payments leave no card number in the logs, and a look that
could find none would be noticed.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.harness.card_scan import card_numbers_in
from tests.log_fuzz.campaign import run
from tests.log_fuzz.numbers import DISGUISES, new_card
from tpayd.kit.leaks import leaks_in

LOG_BYTES = 120_000
LIMIT_S = 15.0


def test_fuzzed_payments_leave_no_card_number_in_the_logs(tmp_path: Path) -> None:
    """At their most talkative, all processes together; the numbers were in cards, fields, names, keys and frames."""
    findings = run(tmp_path, lanes=4, log_bytes=LOG_BYTES, limit_s=LIMIT_S, told=lambda _: None)

    assert [] == findings.leaks
    assert findings.payments > 0
    assert findings.requests > 0


def test_what_is_planted_would_be_found(tmp_path: Path) -> None:
    """The two looks at the logs see such numbers, as they were put into requests."""

    card = new_card(random.Random(1))
    seen = [disguise for disguise in DISGUISES if leaks_in(str(disguise(card)).encode())]
    (tmp_path / "gateway.jsonl").write_text(f"{card}\n")

    assert len(DISGUISES) == len(seen)
    assert ["gateway.jsonl: text"] == card_numbers_in(tmp_path, {card})

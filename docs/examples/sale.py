"""A POS in Python: a sale with progress, and its verdict even when the answer is lost.

python sale.py till-1.key 1 11000

The key file comes from `tpayd client add till-1 --lane 1` on the store's machine. Needs `pip install tpayd`.
Exit status: 0 PAID, 1 NOT PAID, 2 refused or wrong, 3 not known yet.
"""

from __future__ import annotations

import sys

from tpayd_client import OutcomeUnknown, PaymentProgress, PaymentResult, Pos, TpaydError, Verdict, connect


def main(key_file: str, lane: str, amount: int) -> int:
    with connect(key_file=key_file) as pos:
        try:
            settle_what_a_crash_left(pos)
            result = pos.sale(lane, amount, on_progress=show)
        except OutcomeUnknown as error:
            print(f"not known yet: {error.message}", file=sys.stderr)
            return 3
        except TpaydError as error:
            print(f"{error.message} ({error.code.value}, {error.outcome.value})", file=sys.stderr)
            return 2
        print_receipt(result)
        if result.verdict is Verdict.WAIT:
            return 3
        pos.acknowledge(result.lane, result.request_id)
        return 0 if result.verdict is Verdict.PAID else 1


def settle_what_a_crash_left(pos: Pos) -> None:
    """Every request id that was written down and has no verdict yet is asked about before the next customer."""
    for left in pos.unresolved():
        print_receipt(pos.resolve(left.lane, left.request_id))


def show(progress: PaymentProgress) -> None:
    print(f"… {progress.text}", file=sys.stderr)


def print_receipt(result: PaymentResult) -> None:
    card = result.card.masked_pan if result.card else ""
    print(result.verdict.value, result.message, result.approval_code or "", card)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

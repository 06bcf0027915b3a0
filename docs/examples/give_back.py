"""A POS in Python: a sale, its receipt, the money back, and the receipt of that.

python give_back.py till-1.key 1 11000

The key file comes from `tpayd client add till-1 --lane 1` on the store's machine. Needs `pip install tpayd`.
Exit status: 0 paid and given back, 1 not paid or not given back, 2 refused or wrong, 3 not known yet.
"""

from __future__ import annotations

import sys

from tpayd_client import (
    OutcomeUnknown,
    PaymentProgress,
    PaymentResult,
    Pos,
    TpaydError,
    Verdict,
    connect,
    new_request_id,
)
from tpayd_client.orders import Order
from tpayd_client.types import Amount, Language, OriginalPayment, SaleRequest, Step, VoidRequest


def main(key_file: str, lane: str, amount: int) -> int:
    with connect(key_file=key_file) as pos:
        try:
            sold = ordered(pos, SaleRequest(lane, Amount(total_minor=amount), reference="R-1"))
            if sold.verdict is not Verdict.PAID:
                return 3 if sold.verdict is Verdict.WAIT else 1
            original = OriginalPayment(request_id=sold.request_id)
            back = ordered(pos, VoidRequest(lane, original))
            left = amount - pos.status(lane, sold.request_id).voided_minor
        except OutcomeUnknown as error:
            print(f"not known yet: ask for the status of {error.request_id}", file=sys.stderr)
            return 3
        except TpaydError as error:
            print(f"{error.message} ({error.code.value}, {error.outcome.value})", file=sys.stderr)
            return 2
        print(f"left of the sale: {left} won")
        return {Verdict.PAID: 0, Verdict.WAIT: 3}.get(back.verdict, 1)


def ordered(pos: Pos, order: Order) -> PaymentResult:
    """Any order ends the same way: a verdict, which is recorded and acknowledged, and a receipt if it is PAID."""
    request_id = new_request_id()

    def step(progress: PaymentProgress) -> None:
        print(f"… {progress.text}", file=sys.stderr)
        if progress.step is Step.CONFIRM_DUPLICATE:
            pos.confirm(order.lane, request_id, proceed=cashier_agrees())

    result = pos.order(order, request_id=request_id, on_progress=step)
    print(result.verdict.value, result.kind.value, result.message)
    if result.verdict is not Verdict.WAIT:
        pos.acknowledge(result.lane, result.request_id)
    if result.verdict is Verdict.PAID:
        print(*pos.receipt(result.lane, result.request_id, language=Language.EN).lines, sep="\n")
    return result


def cashier_agrees() -> bool:
    return sys.stdin.isatty() and input("Take it as another payment? [y/N] ").strip().lower() == "y"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

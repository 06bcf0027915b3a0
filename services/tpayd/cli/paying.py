"""Places an order at the command line: each step is shown, and a question is asked of whoever sits there."""

from __future__ import annotations

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output
from tpayd_client import PaymentProgress, PaymentResult, Pos
from tpayd_client.orders import Order
from tpayd_client.types import Step

__all__ = ["place"]


def place(output: Output, pos: Pos, order: Order, request_id: str, timeout_s: float) -> PaymentResult:
    """Place it, and wait for its verdict. Raises TpaydError, and CommandError where it is interrupted."""
    with output.steps() as show:

        def step(progress: PaymentProgress) -> None:
            show(_words(progress))
            if progress.step == Step.CONFIRM_DUPLICATE:
                pos.confirm(order.lane, request_id, proceed=_is_meant(output))

        try:
            return pos.order(order, request_id=request_id, on_progress=step, timeout_s=timeout_s)
        except KeyboardInterrupt:
            ask = f"tpayd payment status {request_id} --lane {order.lane} --wait"
            text = f"interrupted; to learn what became of it: {ask}"
            raise CommandError(text, Exit.UNKNOWN, code="interrupted") from None


def _is_meant(output: Output) -> bool:
    """Ask the cashier; where nobody can be asked, a payment that looks like a repeated one is not made."""
    return output.live and click.confirm("Take it as another payment?", default=False)


def _words(progress: PaymentProgress) -> str:
    """A step with what the cashier needs for it."""
    words = progress.text
    if progress.position is not None:
        words += f" (place {progress.position})"
    if progress.reader and progress.reader not in words:
        words += f" [{progress.reader}]"
    return words

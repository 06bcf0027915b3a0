"""Places an order at the command line: each step is shown, and a question is asked of whoever sits there."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import click

from tpayd.cli.errors import CommandError, OutputLostError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_view import exit_of, show_payment
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos, request_log
from tpayd.cli.shape import as_json
from tpayd_client import Amount, PaymentProgress, PaymentResult, Pos, TpaydError, Verdict, new_request_id
from tpayd_client.orders import Order
from tpayd_client.types import Reason, Step

__all__ = [
    "Checkout",
    "Parts",
    "allow_duplicate_option",
    "amount_argument",
    "checkout_options",
    "installments_option",
    "parts_options",
    "place",
    "step_words",
    "to_learn",
]

_ROUGHLY_S = 15
"""From here on a wait is told in steps of five seconds."""

F = TypeVar("F", bound=Callable[..., Any])

installments_option = click.option(
    "--installments", type=click.IntRange(0, 60), default=0, help="Months; 0 is a lump sum."
)
allow_duplicate_option = click.option(
    "--allow-duplicate", is_flag=True, help="Don't ask if the same customer just paid the same amount here."
)


@dataclass(frozen=True)
class Checkout:
    """Where an order is placed."""

    output: Output
    gateway: Gateway
    lane: str | None
    reference: str | None
    timeout_s: float

    def pay(self, order: Callable[[Pos, str], Order]) -> int:
        """Place the order that `order` makes for the lane, show how it ends, and give the exit status.

        Raises CommandError.
        """
        request_id = new_request_id()
        with request_log(self.gateway, request_id) as log, open_pos(self.gateway, log) as pos:
            lane = lane_or_first(self.lane, pos.connect())
            result = place(self.output, pos, order(pos, lane), request_id, self.timeout_s)
            try:
                self.output.result(as_json(result), lambda: show_payment(self.output, result))
            except OutputLostError as lost:
                raise OutputLostError(lost.cause, to_learn(lane, request_id)) from lost
            _acknowledge(pos, result)
        if result.reason == Reason.DUPLICATE and not self.output.live:
            self.output.progress("if it is meant, pass --allow-duplicate: here nobody can be asked")
        return exit_of(result)


def checkout_options(command: F) -> F:
    """Adds what every order has: lane, reference, time, connection and --json. The command gets a `Checkout` first."""

    @functools.wraps(command)
    def at_checkout(
        output: Output, gateway: Gateway, lane: str | None, reference: str | None, timeout_s: float, **more: Any
    ) -> Any:
        return command(Checkout(output, gateway, lane, reference, timeout_s), **more)

    return _added(
        command,
        pass_output(at_checkout),
        json_option,
        connection_options,
        click.option("--timeout", "timeout_s", type=click.FloatRange(min=1), default=120.0,
                     help="Seconds for all of it."),
        click.option("--reference", help="The POS's own receipt number."),
        click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane."),
    )  # fmt: skip


def amount_argument(command: F) -> F:
    """Adds AMOUNT and its parts, which the command gets as an Amount."""

    @functools.wraps(command)
    def with_amount(*arguments: Any, amount: int, parts: Parts, **more: Any) -> Any:
        return command(*arguments, amount=parts.of(amount), **more)

    return _added(command, parts_options(with_amount), click.argument("amount", type=click.IntRange(min=1)))


@dataclass(frozen=True)
class Parts:
    """Of what an amount consists, beside its supply value. In won."""

    vat: int
    service_charge: int
    tax_free: int

    def of(self, total: int) -> Amount:
        """The whole amount. Whether the parts fit into it is for the daemon to say."""
        return Amount(
            total_minor=total, vat_minor=self.vat, service_charge_minor=self.service_charge,
            tax_free_minor=self.tax_free,
        )  # fmt: skip

    def __bool__(self) -> bool:
        return bool(self.vat or self.service_charge or self.tax_free)


def parts_options(command: F) -> F:
    """Adds the parts of an amount, which the command gets as `parts`."""

    @functools.wraps(command)
    def with_parts(*arguments: Any, vat: int, service_charge: int, tax_free: int, **more: Any) -> Any:
        return command(*arguments, parts=Parts(vat, service_charge, tax_free), **more)

    part = functools.partial(click.option, type=click.IntRange(min=0), default=0)
    return _added(
        command,
        with_parts,
        part("--tax-free", help="Tax-free part of the amount, in won."),
        part("--service-charge", help="Service charge within the amount, in won."),
        part("--vat", help="VAT within the amount, in won."),
    )


def place(output: Output, pos: Pos, order: Order, request_id: str, timeout_s: float) -> PaymentResult:
    """Place it, and wait for its verdict. Raises TpaydError, and CommandError where it is interrupted."""
    with output.steps() as show:

        def step(progress: PaymentProgress) -> None:
            show(step_words(progress))
            if progress.step == Step.CONFIRM_DUPLICATE:
                pos.confirm(order.lane, request_id, proceed=show.ask("Take it as another payment?"))

        try:
            return pos.order(order, request_id=request_id, on_progress=step, timeout_s=timeout_s)
        except KeyboardInterrupt:
            text = f"interrupted; {to_learn(order.lane, request_id)}"
            raise CommandError(text, Exit.UNKNOWN, code="interrupted") from None
        except OSError as error:
            text = f"this machine failed ({error.strerror or error}); {to_learn(order.lane, request_id)}"
            raise CommandError(text, Exit.UNKNOWN, code="storage_failed") from error


def to_learn(lane: str, request_id: str) -> str:
    """How to ask for a payment's verdict once more."""
    return f"to learn what became of it: tpayd payment status {request_id} --lane {lane} --wait"


def _acknowledge(pos: Pos, result: PaymentResult) -> None:
    """The verdict is on the screen, or in the file behind it: this POS knows. If the word gets lost, it is listed."""
    if result.verdict == Verdict.WAIT:
        return
    with contextlib.suppress(TpaydError):
        pos.acknowledge(result.lane, result.request_id)


def step_words(progress: PaymentProgress) -> str:
    """A step with what the cashier needs for it."""
    words = progress.text
    if progress.position is not None:
        words += f" (place {progress.position}{_about(progress.expected_wait_ms)})"
    if progress.reader and progress.reader not in words:
        words += f" [{progress.reader}]"
    return words


def _about(wait_ms: int | None) -> str:
    """A wait as people say it: nobody counts single seconds in half a minute."""
    if wait_ms is None:
        return ""
    wait_s = math.ceil(wait_ms / 1000)
    return f", about {wait_s if wait_s < _ROUGHLY_S else math.ceil(wait_s / 5) * 5} s"


def _added(_: F, wrapped: Any, *options: Callable[[Any], Any]) -> F:
    for option in options:
        wrapped = option(wrapped)
    return cast("F", wrapped)

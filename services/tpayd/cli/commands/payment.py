"""`tpayd payment`: ask for, abort or acknowledge a payment, print its receipt."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import click

from tpayd.cli.commands.payment_records import receipt, unacknowledged
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_view import exit_of, show_payment
from tpayd.cli.pos import Gateway, connection_options, forget, lane_or_first, open_pos
from tpayd.cli.shape import as_json
from tpayd_client import PaymentResult, Pos, Verdict

__all__ = ["payment"]


@click.group()
def payment() -> None:
    """Ask for, abort or acknowledge a payment by its request id (`tpayd sale` prints it last).

    \b
    Examples:
      tpayd payment status 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11
      tpayd payment status 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --wait
      tpayd payment last --lane 2
      tpayd payment receipt last --text en
      tpayd payment acknowledge 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --lane 2
    """


_lane = click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
_request_id = click.argument("request_id", type=click.UUID)


@payment.command()
@click.option("--wait", "wait_s", type=click.FloatRange(min=0), is_flag=False, flag_value=60.0, default=0.0,
              help="Wait for PAID or NOT PAID, 60 s unless a number of seconds is given.")  # fmt: skip
@_request_id
@_lane
@connection_options
@json_option
@pass_output
def status(output: Output, gateway: Gateway, request_id: UUID, lane: str | None, wait_s: float) -> int:
    """What is known of a payment: exit status 0 PAID, 1 NOT PAID, 3 not known yet.

    An id that the daemon never saw is NOT PAID, and can never be used afterwards.
    """

    def ask(pos: Pos, lane: str, request_id: str) -> PaymentResult:
        return pos.resolve(lane, request_id, timeout_s=wait_s) if wait_s else pos.status(lane, request_id)

    return _show(output, gateway, lane, request_id, ask)


@payment.command()
@_lane
@connection_options
@json_option
@pass_output
def last(output: Output, gateway: Gateway, lane: str | None) -> int:
    """The lane's newest payment, whatever its request id: exit status as `status` has it."""
    with open_pos(gateway) as pos:
        result = pos.last(lane_or_first(lane, pos.connect()))
    output.result(as_json(result), lambda: show_payment(output, result))
    return exit_of(result)


@payment.command()
@_request_id
@_lane
@connection_options
@json_option
@pass_output
def abort(output: Output, gateway: Gateway, request_id: UUID, lane: str | None) -> int:
    """End a payment before it goes to the card host; after that it is refused as too late."""
    return _show(output, gateway, lane, request_id, Pos.abort)


@payment.command()
@_request_id
@_lane
@connection_options
@json_option
@pass_output
def acknowledge(output: Output, gateway: Gateway, request_id: UUID, lane: str | None) -> int:
    """Say that the POS has the verdict on record; closes the payment."""
    return _show(output, gateway, lane, request_id, Pos.acknowledge)


payment.add_command(receipt)
payment.add_command(unacknowledged)


def _show(
    output: Output,
    gateway: Gateway,
    lane: str | None,
    request_id: UUID,
    ask: Callable[[Pos, str, str], PaymentResult],
) -> int:
    with open_pos(gateway) as pos:
        result = ask(pos, lane_or_first(lane, pos.connect()), str(request_id))
    output.result(as_json(result), lambda: show_payment(output, result))
    if result.verdict is not Verdict.WAIT:
        forget(gateway, str(request_id))
    return exit_of(result)

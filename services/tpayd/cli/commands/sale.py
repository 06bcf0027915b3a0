"""`tpayd sale`: take a card payment, step by step."""

from __future__ import annotations

import uuid

import click

from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.paying import place
from tpayd.cli.payment_view import exit_of, show_payment
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos, request_log
from tpayd.cli.shape import as_json
from tpayd_client import Amount
from tpayd_client.types import SaleRequest

__all__ = ["sale"]


@click.command()
@click.argument("amount", type=click.IntRange(min=1))
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
@click.option("--vat", type=click.IntRange(min=0), default=0, help="VAT within AMOUNT, in won.")
@click.option("--service-charge", type=click.IntRange(min=0), default=0, help="Service charge within AMOUNT, in won.")
@click.option("--tax-free", type=click.IntRange(min=0), default=0, help="Tax-free part of AMOUNT, in won.")
@click.option("--installments", type=click.IntRange(0, 60), default=0, help="Months; 0 is a lump sum.")
@click.option("--reference", help="The POS's own receipt number.")
@click.option("--allow-duplicate", is_flag=True, help="Don't ask if the same card just paid the same amount here.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=1), default=120.0, help="Seconds for all of it.")
@connection_options
@json_option
@pass_output
def sale(
    output: Output,
    gateway: Gateway,
    amount: int,
    lane: str | None,
    vat: int,
    service_charge: int,
    tax_free: int,
    installments: int,
    reference: str | None,
    allow_duplicate: bool,
    timeout_s: float,
) -> int:
    """Take a card payment of AMOUNT won and show each step.

    \b
    Examples:
      tpayd sale 11000
      tpayd sale 11000 --vat 1000 --lane 2
      tpayd sale 300000 --installments 3 --json

    Exit status: 0 PAID, 1 NOT PAID, 3 not known yet: ask with `tpayd payment status`, and let nobody pay again before.
    """
    request_id = str(uuid.uuid4())
    parts = Amount(total_minor=amount, vat_minor=vat, service_charge_minor=service_charge, tax_free_minor=tax_free)
    with request_log(gateway, request_id) as log, open_pos(gateway, log) as pos:
        chosen = lane_or_first(lane, pos.connect())
        order = SaleRequest(chosen, parts, installments, reference, allow_duplicate=allow_duplicate)
        result = place(output, pos, order, request_id, timeout_s)
    output.result(as_json(result), lambda: show_payment(output, result))
    return exit_of(result)

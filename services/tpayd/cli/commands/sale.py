"""`tpayd sale`: take a card payment, step by step."""

from __future__ import annotations

import click

from tpayd.cli.choices import Word
from tpayd.cli.paying import (
    Checkout,
    allow_duplicate_option,
    amount_argument,
    checkout_options,
    installments_option,
)
from tpayd_client import Amount
from tpayd_client.types import CardNetwork, SaleRequest

__all__ = ["sale"]


@click.command()
@amount_argument
@installments_option
@click.option("--network", type=Word(CardNetwork), default=CardNetwork.CREDIT.value, show_default=True,
              help="unionpay [은련]: the customer may be asked for a PIN.")  # fmt: skip
@allow_duplicate_option
@checkout_options
def sale(checkout: Checkout, amount: Amount, installments: int, network: CardNetwork, allow_duplicate: bool) -> int:
    """Take a card payment of AMOUNT won [신용승인] and show each step.

    \b
    Examples:
      tpayd sale 11000
      tpayd sale 11000 --vat 1000 --lane 2
      tpayd sale 300000 --installments 3 --json
      tpayd sale 12000 --network unionpay

    Exit status: 0 PAID, 1 NOT PAID, 3 not known yet: ask with `tpayd payment status`, and let nobody pay again before.
    """
    return checkout.pay(
        lambda _, lane: SaleRequest(lane, amount, installments, checkout.reference, network, allow_duplicate)
    )

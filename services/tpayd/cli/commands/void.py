"""`tpayd void`: give a payment back."""

from __future__ import annotations

import click

from tpayd.cli.naming import Named, original_options
from tpayd.cli.paying import Checkout, Parts, checkout_options, parts_options
from tpayd_client.types import VoidRequest

__all__ = ["void"]


@click.command()
@original_options
@click.option("--amount", type=click.IntRange(min=1),
              help="Give back only so much, in won, where the card host takes parts (partial_voids).")  # fmt: skip
@parts_options
@checkout_options
def void(checkout: Checkout, named: Named, amount: int | None, parts: Parts) -> int:
    """Give back a card or wallet payment [신용취소]. No card is needed.

    PAYMENT is a request id of the lane, or `last`, the lane's newest payment. What another lane sold, or an older
    journal holds, is named by its receipt instead.

    \b
    Examples:
      tpayd sale 11000
      tpayd void last
      tpayd void 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --amount 4000
      tpayd void --approval 30215512 --on 20260302 --total 11000

    Exit status: 0 it is given back (PAID), 1 it is not and the payment stands, 3 not known yet, 5 refused: it was given
    back already, or never paid.
    """
    if parts and amount is None:
        raise click.UsageError("--vat, --service-charge and --tax-free are parts of --amount, which is missing")
    return checkout.pay(
        lambda pos, lane: VoidRequest(
            lane, named.original(pos, lane), None if amount is None else parts.of(amount), checkout.reference
        )
    )

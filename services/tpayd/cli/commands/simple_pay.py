"""`tpayd simple-pay`: take a payment by the code that a wallet shows."""

from __future__ import annotations

import click

from tpayd.cli.paying import (
    Checkout,
    allow_duplicate_option,
    amount_argument,
    checkout_options,
    installments_option,
)
from tpayd.cli.typed import STDIN, first_line
from tpayd_client import Amount
from tpayd_client.types import SimplePayRequest

__all__ = ["simple_pay"]


@click.command("simple-pay")
@amount_argument
@click.option("--code", help="What the customer's wallet shows; '-' reads it from standard input, as a scanner "
                             "types it. Left out: a reader scans it.")  # fmt: skip
@installments_option
@allow_duplicate_option
@checkout_options
def simple_pay(checkout: Checkout, amount: Amount, code: str | None, installments: int, allow_duplicate: bool) -> int:
    """Take AMOUNT won by QR code or barcode [간편결제]. The code says which wallet it is; it is never kept.

    \b
    Examples:
      tpayd simple-pay 7000
      echo 281006000123456789012345 | tpayd simple-pay 8000 --code -
      tpayd void last

    Exit status: as of `tpayd sale`.
    """
    scanned = first_line(STDIN).strip() if code == str(STDIN) else code
    return checkout.pay(
        lambda _, lane: SimplePayRequest(lane, amount, scanned, installments, checkout.reference, allow_duplicate)
    )

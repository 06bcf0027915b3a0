"""`tpayd cash-ic`: pay from a bank account by chip card and PIN."""

from __future__ import annotations

import click

from tpayd.cli.naming import Named, original_options
from tpayd.cli.paying import Checkout, allow_duplicate_option, amount_argument, checkout_options
from tpayd_client import Amount
from tpayd_client.types import CashIcBalanceRequest, CashIcRefundRequest, CashIcSaleRequest

__all__ = ["cash_ic"]


@click.group("cash-ic")
def cash_ic() -> None:
    """Pay from a bank account by chip card and PIN [현금IC], give it back, or ask for the balance.

    \b
    Examples:
      tpayd cash-ic balance
      tpayd cash-ic sale 21000
      tpayd cash-ic refund last
    """


@cash_ic.command()
@amount_argument
@allow_duplicate_option
@checkout_options
def sale(checkout: Checkout, amount: Amount, allow_duplicate: bool) -> int:
    """Take AMOUNT won from the customer's account [현금IC 승인].

    If the host's answer is lost, it is asked what became of the payment, for a minute and a half at most.

    \b
    Examples:
      tpayd cash-ic sale 21000 --vat 1909
      tpayd cash-ic sale 22000 --lane 2 --json

    Exit status: as of `tpayd sale`.
    """
    return checkout.pay(lambda _, lane: CashIcSaleRequest(lane, amount, checkout.reference, allow_duplicate))


@cash_ic.command()
@original_options
@checkout_options
def refund(checkout: Checkout, named: Named) -> int:
    """Give a whole cash-IC payment back [현금IC 환불]. The customer's card is read again.

    PAYMENT is a request id of the lane, or `last`, the lane's newest payment.

    \b
    Examples:
      tpayd cash-ic sale 23000
      tpayd cash-ic refund last
    """
    return checkout.pay(lambda pos, lane: CashIcRefundRequest(lane, named.original(pos, lane), checkout.reference))


@cash_ic.command()
@checkout_options
def balance(checkout: Checkout) -> int:
    """Show the balance of the customer's account [현금IC 잔액조회]. Moves no money; told once, never kept.

    \b
    Examples:
      tpayd cash-ic balance
    """
    return checkout.pay(lambda _, lane: CashIcBalanceRequest(lane, checkout.reference))

"""`tpayd cash-receipt`: issue a cash receipt, and take it back."""

from __future__ import annotations

import click

from tpayd.cli.choices import Word
from tpayd.cli.naming import Named, original_options
from tpayd.cli.output import Output
from tpayd.cli.paying import Checkout, amount_argument, checkout_options
from tpayd.cli.typed import STDIN, first_line, prompted
from tpayd_client import Amount
from tpayd_client.types import (
    CashReceiptPurpose,
    CashReceiptRequest,
    CashReceiptVoidReason,
    CashReceiptVoidRequest,
)

__all__ = ["cash_receipt"]

_OTHERWISE = "whose receipt is it? --number - reads the number from standard input, --card has a card read"
_MIN_DIGITS, _MAX_DIGITS = 10, 19


@click.group("cash-receipt")
def cash_receipt() -> None:
    """Issue a cash receipt [현금영수증] for a payment in cash, and take it back.

    \b
    Examples:
      tpayd cash-receipt issue 11000 --vat 1000 --purpose self-issue
      echo 01012345678 | tpayd cash-receipt issue 11000 --purpose deduction --number -
      tpayd cash-receipt void last --reason mis-issue
    """


@cash_receipt.command()
@amount_argument
@click.option("--purpose", type=Word(CashReceiptPurpose), required=True,
              help="For a person [소득공제], a business [지출증빙], or nobody [자진발급].")  # fmt: skip
@click.option("--number", metavar="DIGITS",
              help="Phone, business or card number; '-' reads it from standard input. Left out: it is asked for, which "
                   "keeps it out of the shell's history.")  # fmt: skip
@click.option("--card", is_flag=True, help="Read a card at the reader instead of a number.")
@checkout_options
def issue(checkout: Checkout, amount: Amount, purpose: CashReceiptPurpose, number: str | None, card: bool) -> int:
    """Issue a cash receipt for AMOUNT won [현금영수증 발급]. The number is never kept.

    \b
    Examples:
      tpayd cash-receipt issue 11000 --vat 1000 --purpose self-issue
      echo 01012345678 | tpayd cash-receipt issue 11000 --purpose deduction --number -
      echo 104-86-58278 | tpayd cash-receipt issue 52000 --purpose expense --number -
      tpayd cash-receipt issue 11000 --purpose deduction --card

    Without --number and --card it asks for the number, which then stands in no shell history.

    Exit status: as of `tpayd sale`; 0 PAID means that it is issued.
    """
    identity = _identity(checkout.output, purpose, number, card=card)
    return checkout.pay(lambda _, lane: CashReceiptRequest(lane, amount, purpose, identity, checkout.reference))


@cash_receipt.command()
@original_options
@click.option("--reason", type=Word(CashReceiptVoidReason), required=True,
              help="What the tax office is told: cancelled, issued in error, or other.")  # fmt: skip
@checkout_options
def void(checkout: Checkout, named: Named, reason: CashReceiptVoidReason) -> int:
    """Take back a cash receipt [현금영수증 취소]: a request id of the lane, `last`, or one named by its receipt.

    \b
    Examples:
      tpayd cash-receipt issue 13000 --purpose self-issue
      tpayd cash-receipt void last --reason cancel
    """
    return checkout.pay(
        lambda pos, lane: CashReceiptVoidRequest(lane, named.original(pos, lane), reason, reference=checkout.reference)
    )


def _identity(output: Output, purpose: CashReceiptPurpose, number: str | None, *, card: bool) -> str | None:
    """The number without dashes and blanks; None where a card is read, or where nobody is named."""
    if purpose is CashReceiptPurpose.SELF_ISSUE:
        if number is not None or card:
            raise click.UsageError("--purpose self-issue names nobody: leave --number and --card out")
        return None
    if card:
        if number is not None:
            raise click.UsageError("either --number or --card")
        return None
    if number is None:
        number = prompted(output, "Phone, business or card number", otherwise=_OTHERWISE)
    elif number == str(STDIN):
        number = first_line(STDIN)
    digits = number.replace("-", "").replace(" ", "")
    # What was typed is not shown again: it may be right but for one digit.
    if not (digits.isascii() and digits.isdigit() and _MIN_DIGITS <= len(digits) <= _MAX_DIGITS):
        raise click.UsageError(f"--number: {_MIN_DIGITS} to {_MAX_DIGITS} digits; dashes and blanks are left out")
    return digits

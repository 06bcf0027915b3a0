"""`tpayd standalone`: payments without a POS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from tpayd.cli.choices import Word
from tpayd.cli.commands.merchant import show_merchant
from tpayd.cli.errors import CommandError, OutputLostError
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.passwords import password_from
from tpayd.cli.paying import place, to_learn
from tpayd.cli.payment_view import exit_of, show_payment, won
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos, request_log
from tpayd.cli.shape import as_json
from tpayd_client import Amount, Pos, TpaydError, Verdict, new_request_id
from tpayd_client.orders import Order
from tpayd_client.types import (
    CashReceiptPurpose,
    Language,
    ReceiptCopy,
    StandaloneCashReceiptRequest,
    StandaloneSaleRequest,
    StandaloneTerminal,
)

__all__ = ["standalone"]

_lane = click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
_amount = click.option("--amount", type=click.IntRange(min=1), required=True, help="In won, all in all.")
_vat = click.option("--vat", type=click.IntRange(min=0), default=0, help="VAT within the amount, in won.")
_timeout = click.option("--timeout", "timeout_s", type=click.FloatRange(min=1), default=120.0,
                        help="Seconds for all of it.")  # fmt: skip
_yes = click.option("--yes", is_flag=True, help="Merchant and terminal have been looked at: don't ask.")

_receipt = click.option("--receipt", is_flag=True, help="Print the customer's receipt as well.")


@click.group()
def standalone() -> None:
    """Take payments without a POS [단독결제], where config/transaction.toml says standalone = true.

    No POS is told, and nothing of the approval is kept: print or write down what the command shows. Needs merchant
    info: `tpayd merchant download`.

    \b
    Examples:
      tpayd standalone sale --amount 11000 --vat 1000
      tpayd standalone cash-receipt --amount 11000 --purpose self-issue
    """


@standalone.command()
@_amount
@_vat
@click.option("--installments", type=click.IntRange(0, 60), default=0, help="Months; 0 is a lump sum.")
@_lane
@_yes
@_receipt
@_timeout
@connection_options
@json_option
@pass_output
def sale(
    output: Output,
    gateway: Gateway,
    amount: int,
    vat: int,
    installments: int,
    lane: str | None,
    yes: bool,
    receipt: bool,
    timeout_s: float,
) -> int:
    """Take a card payment [신용승인]. Exit status as of `tpayd sale`."""

    def order(lane: str) -> Order:
        return StandaloneSaleRequest(lane, Amount(total_minor=amount, vat_minor=vat), installments)

    return _pay(output, gateway, lane, amount, order, yes=yes, receipt=receipt, timeout_s=timeout_s)


@standalone.command("cash-receipt")
@_amount
@_vat
@click.option("--purpose", type=Word(CashReceiptPurpose), required=True,
              help="For a person [소득공제], a business [지출증빙], or nobody [자진발급].")  # fmt: skip
@click.option("--identity-file", type=click.Path(path_type=Path, allow_dash=True),
              help="Read the phone, business or card number from this file ('-': standard input).")  # fmt: skip
@click.option("--card", is_flag=True, help="Read a cash receipt card at the reader instead of a number.")
@_lane
@_yes
@_receipt
@_timeout
@connection_options
@json_option
@pass_output
def cash_receipt(
    output: Output,
    gateway: Gateway,
    amount: int,
    vat: int,
    purpose: CashReceiptPurpose,
    identity_file: Path | None,
    card: bool,
    lane: str | None,
    yes: bool,
    receipt: bool,
    timeout_s: float,
) -> int:
    """Issue a cash receipt [현금영수증]. The number is asked for, and never shown, kept or put on the command line."""
    asks = purpose is not CashReceiptPurpose.SELF_ISSUE and not card
    identity = password_from(output, identity_file, "Number (digits)") if asks else None

    def order(lane: str) -> Order:
        whole = Amount(total_minor=amount, vat_minor=vat)
        return StandaloneCashReceiptRequest(lane, whole, purpose, identity and identity.replace("-", ""))

    return _pay(output, gateway, lane, amount, order, yes=yes, receipt=receipt, timeout_s=timeout_s)


def _pay(
    output: Output,
    gateway: Gateway,
    lane: str | None,
    amount_minor: int,
    order: Callable[[str], Order],
    *,
    yes: bool,
    receipt: bool,
    timeout_s: float,
) -> int:
    request_id = new_request_id()
    with request_log(gateway, request_id) as log, open_pos(gateway, log) as pos:
        chosen = lane_or_first(lane, pos.connect())
        _agree(output, pos, chosen, amount_minor, yes=yes)
        result = place(output, pos, order(chosen), request_id, timeout_s)
        printed = _printed(pos, chosen, request_id) if receipt and result.verdict is Verdict.PAID else ()

        def show() -> None:
            show_payment(output, result)
            for line in printed:
                output.line(line)

        try:
            output.result({**as_json(result), "lines": list(printed)}, show)
        except OutputLostError as lost:
            raise OutputLostError(lost.cause, to_learn(chosen, request_id)) from lost
        if result.verdict is not Verdict.WAIT:
            _forget(output, pos, chosen, request_id)
    return exit_of(result)


def _printed(pos: Pos, lane: str, request_id: str) -> tuple[str, ...]:
    """The receipt's lines; the verdict is told whether or not there are any."""
    try:
        return pos.receipt(lane, request_id, copy=ReceiptCopy.CUSTOMER, language=Language.KO).lines
    except TpaydError as error:
        return (f"no receipt: {error.message}",)


def _forget(output: Output, pos: Pos, lane: str, request_id: str) -> None:
    """It was shown: from here on nothing of it is kept. If that fails, the close of business sees to it."""
    try:
        pos.acknowledge(lane, request_id)
    except TpaydError as error:
        output.line(f"kept until close of business: {error.message}", style="yellow")


def _agree(output: Output, pos: Pos, lane: str, amount_minor: int, *, yes: bool) -> None:
    """Merchant and terminal are looked at before anybody pays. Raises CommandError."""
    told = StandaloneTerminal.from_wire(pos.call("standalone.show", {"lane": lane}))
    show_merchant(output, told.merchant)
    output.line(f"  {'amount':<16}{won(amount_minor)}")
    if yes:
        return
    if not output.live:
        text = "nobody is there to look at merchant and terminal: say --yes"
        raise CommandError(text, Exit.USAGE, code="usage")
    if not click.confirm("Is that right?", default=True):
        raise CommandError("nothing was paid", Exit.NO, code="declined")

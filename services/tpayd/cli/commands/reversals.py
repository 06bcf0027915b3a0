"""`tpayd reversals`: what must be taken back and is not yet, and settling by hand what the daemon has given up on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import click

from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_view import show_payment, won
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import OwedReversal, OwedReversals, PaymentState, SettledAs

__all__ = ["reversals"]

_COLUMNS = (
    "OWED SINCE",
    "LANE",
    "AMOUNT",
    "STATE",
    "TRIES",
    "REASON",
    "TERMINAL",
    "STAN",
    "DAY",
    "ANSWER",
    "REQUEST ID",
)


@click.group()
def reversals() -> None:
    """See what must be taken back at the card host, and settle by hand what the host never confirmed.

    \b
    Examples:
      tpayd reversals list
      tpayd reversals settle 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --as reversed --note 'acquirer desk, case 118'
    """


@reversals.command("list")
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: every lane.")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway, lane: str | None) -> int:
    """Every reversal that is owed, oldest first; exit status 1 if one of them needs a person."""
    with open_pos(gateway) as pos:
        found = pos.owed_reversals(lane)
    output.result(as_json(found), lambda: _show(output, found))
    return Exit.NO if found.needs_human else Exit.OK


@reversals.command()
@click.argument("request_id", type=click.UUID)
@click.option("--as", "outcome", required=True, type=click.Choice([each.value for each in SettledAs]),
              help="What the card host told you of it.")  # fmt: skip
@click.option("--note", required=True, help="Who said so, for the journal; no card number.")
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
@connection_options
@json_option
@pass_output
def settle(output: Output, gateway: Gateway, request_id: UUID, outcome: str, note: str, lane: str | None) -> int:
    """Settle a payment in state needs_human, once you have asked the card host (its desk, not its line) about it.

    \b
    --as reversed  the host has taken it back, or never had it
    --as stands    the host has charged the customer. The POS was told NOT PAID and so was the customer: the books
                   show the payment as a difference, and the money is to be given back with the acquirer's help.

    This is final, and stands in the journal with your name and note.
    """
    with open_pos(gateway) as pos:
        result = pos.settle(lane_or_first(lane, pos.connect()), str(request_id), SettledAs(outcome), note)
    output.result(as_json(result), lambda: show_payment(output, result))
    return Exit.OK


def _show(output: Output, found: OwedReversals) -> None:
    if not found.reversals:
        output.line("no reversal is owed")
        return
    output.table(_COLUMNS, [_row(each) for each in found.reversals])
    if found.left_out:
        output.line(f"and {found.left_out} younger ones")
    if found.needs_human:
        output.line(
            f"{found.needs_human} in state {PaymentState.NEEDS_HUMAN.value}: ask the card host's desk about each, then "
            "`tpayd reversals settle`",
            style="bold red",
        )


def _row(each: OwedReversal) -> tuple[str, ...]:
    since = datetime.fromtimestamp(each.since_ms / 1000).astimezone()
    return (
        since.strftime("%Y-%m-%d %H:%M:%S"),
        each.lane,
        won(each.amount_minor),
        each.state.value,
        str(each.tries),
        each.reason.value if each.reason is not None else "-",
        each.terminal_id,
        each.stan or "-",
        each.business_day or "-",
        each.answer or "-",
        each.request_id,
    )

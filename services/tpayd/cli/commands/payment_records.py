"""`tpayd payment receipt` and `tpayd payment unacknowledged`."""

from __future__ import annotations

import click

from tpayd.cli.exits import Exit
from tpayd.cli.moments import moment
from tpayd.cli.naming import request_id_or_last
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.payment_view import won
from tpayd.cli.pos import Gateway, connection_options, lane_or_first, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import Language, ReceiptCopy, UnacknowledgedPayment, UnacknowledgedPayments

__all__ = ["receipt", "unacknowledged"]

_COLUMNS = ("SINCE", "LANE", "AMOUNT", "KIND", "APPROVAL", "REFERENCE", "THEN", "REQUEST ID")


@click.command()
@click.argument("payment", default="last")
@click.option("--text", "language", type=click.Choice([each.value for each in Language]), default=Language.KO.value,
              show_default=True, help="Language of the text.")  # fmt: skip
@click.option("--copy", type=click.Choice([each.value for each in ReceiptCopy]), default=ReceiptCopy.CUSTOMER.value,
              show_default=True, help="For whom it is.")  # fmt: skip
@click.option("--reprint", is_flag=True, help="The POS has printed this copy already.")
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: this client's first lane.")
@connection_options
@json_option
@pass_output
def receipt(
    output: Output, gateway: Gateway, payment: str, language: str, copy: str, reprint: bool, lane: str | None
) -> int:
    """Print the receipt of PAYMENT, a request id or `last`: 42 columns, from the second time on marked as a reprint.

    \b
    Examples:
      tpayd payment receipt
      tpayd payment receipt 5e0f5a3c-0c2b-4f7e-9a44-1f0f6f3a2b11 --copy merchant --text en
    """
    request_id = request_id_or_last(payment)
    with open_pos(gateway) as pos:
        chosen = lane_or_first(lane, pos.connect())
        sheet = pos.receipt(
            chosen,
            request_id or pos.last(chosen).request_id,
            copy=ReceiptCopy(copy),
            language=Language(language),
            reprint=reprint,
        )
    output.result(as_json(sheet), lambda: output.line("\n".join(sheet.lines)))
    return Exit.OK


@click.command()
@click.option("--lane", envvar="TPAYD_LANE", show_envvar=True, help="Default: every lane that this client may see.")
@connection_options
@json_option
@pass_output
def unacknowledged(output: Output, gateway: Gateway, lane: str | None) -> int:
    """Payments that are PAID and that no POS has acknowledged in time, oldest first: does its books know them?"""
    with open_pos(gateway) as pos:
        lanes = pos.connect().lanes
        found = pos.unacknowledged(lane or (lanes[0] if lanes else None))
    output.result(as_json(found), lambda: _show(output, found))
    return Exit.OK


def _show(output: Output, found: UnacknowledgedPayments) -> None:
    if not found.payments:
        output.line(f"every payment was acknowledged within {found.after_s:g} s")
        return
    output.table(_COLUMNS, [_row(each) for each in found.payments])
    more = f", and {found.left_out} younger ones" if found.left_out else ""
    output.line(f"{won(found.total_minor)} in all{more}")


def _row(each: UnacknowledgedPayment) -> tuple[str, ...]:
    return (
        moment(each.since_ms),
        each.lane,
        won(each.amount_minor),
        each.kind.value,
        each.approval_code or "-",
        each.reference or "-",
        each.policy.value,
        each.request_id,
    )

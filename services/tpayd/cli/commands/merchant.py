"""`tpayd merchant`: what the card host knows of the merchant behind a terminal."""

from __future__ import annotations

import click

from tpayd.cli.business_number import business_number_option, own_business_number
from tpayd.cli.exits import Exit
from tpayd.cli.output import Output, json_option, pass_output
from tpayd.cli.pos import Gateway, connection_options, open_pos
from tpayd.cli.shape import as_json
from tpayd_client.types import DownloadedMerchant, Merchant, MerchantList

__all__ = ["merchant", "show_merchant"]

_TTL_S = 60.0


@click.group()
def merchant() -> None:
    """Fetch and show merchant info [가맹점정보]: receipts show it, and standalone payments need it.

    \b
    Examples:
      tpayd merchant download TPAY0001
      tpayd merchant download TPAY0001 --business-number 104-86-58278
      tpayd merchant list
    """


@merchant.command()
@click.argument("terminal_id", metavar="TERMINAL")
@business_number_option
@connection_options
@json_option
@pass_output
def download(output: Output, gateway: Gateway, terminal_id: str, business_number: str | None) -> int:
    """Fetch whose terminal this is from the host [다운로드], and keep it."""
    body = {"business_number": business_number or own_business_number(), "terminal_id": terminal_id}
    with open_pos(gateway) as pos, output.waiting("asking the host"):
        told = DownloadedMerchant.from_wire(pos.call("merchant.download", body, ttl_s=_TTL_S))

    def show() -> None:
        output.line("downloaded", style="green")
        show_merchant(output, told.merchant)
        for warning in told.warnings:
            output.line(f"warning: {warning}", style="yellow")

    output.result(as_json(told), show)
    return Exit.OK


@merchant.command("list")
@connection_options
@json_option
@pass_output
def list_(output: Output, gateway: Gateway) -> int:
    """Every merchant that was downloaded."""
    with open_pos(gateway) as pos:
        told = MerchantList.from_wire(pos.call("merchant.list", {}))
    output.result(
        as_json(told),
        lambda: output.table(
            ("TERMINAL", "BUSINESS NUMBER", "NAME", "REPRESENTATIVE", "ADDRESS", "TELEPHONE"),
            [
                (each.terminal_id, each.business_number, each.name, each.representative, each.address, each.tel)
                for each in told.merchants
            ],
        ),
    )
    return Exit.OK


def show_merchant(output: Output, found: Merchant) -> None:
    """One merchant, a fact a line; what the host did not tell is left out."""
    for label, text in (
        ("merchant", found.name),
        ("business no.", found.business_number),
        ("representative", found.representative),
        ("address", found.address),
        ("telephone", found.tel),
        ("terminal", found.terminal_id),
    ):
        if text:
            output.line(f"  {label:<16}{text}")

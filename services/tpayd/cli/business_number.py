"""Business registration numbers at the command line."""

from __future__ import annotations

import re

import click

from tpayd.cli.errors import CommandError
from tpayd.cli.exits import Exit

__all__ = ["business_number_option", "own_business_number"]

_DIGITS = re.compile(r"[0-9]{10}")


def _parsed(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    digits = value.replace("-", "")
    if not _DIGITS.fullmatch(digits):
        raise click.BadParameter("a business number has 10 digits, e.g. 104-86-58278")
    return digits


business_number_option = click.option(
    "--business-number",
    callback=_parsed,
    help="사업자등록번호 of the terminals, with or without dashes. Default: this store's.",
)


def own_business_number() -> str:
    """That of the store on this machine. Raises CommandError."""
    try:
        from tpayd.cli.house import open_house  # noqa: PLC0415 (a lane's PC does not have it)
    except ModuleNotFoundError:
        raise CommandError("on a lane's PC, name it: --business-number", Exit.USAGE) from None
    return open_house().store.merchant.business_number

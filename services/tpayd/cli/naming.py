"""How a command names a payment: by its request id, as the lane's last one, or as its receipt shows it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import click

from tpayd_client import Pos
from tpayd_client.types import OriginalPayment

__all__ = ["Named", "original_options", "request_id_or_last"]

F = TypeVar("F", bound=Callable[..., Any])


def request_id_or_last(text: str) -> str | None:
    """A request id, or None for `last`. Raises click.UsageError."""
    if text == "last":
        return None
    try:
        return str(UUID(text))
    except ValueError:
        raise click.UsageError(f"{text!r} is no request id (a UUID), and not `last`") from None


@dataclass(frozen=True)
class Named:
    """A payment that is to be taken back."""

    payment: str | None
    approval: str | None
    on: datetime | None
    total_minor: int | None

    def __post_init__(self) -> None:
        receipt = (self.approval, self.on, self.total_minor)
        if self.payment is not None:
            if any(part is not None for part in receipt):
                raise click.UsageError("name the payment by PAYMENT, or by --approval, --on and --total; not by both")
            request_id_or_last(self.payment)
        elif any(part is None for part in receipt):
            raise click.UsageError("name PAYMENT: a request id or `last`; or all of --approval, --on and --total")

    def original(self, pos: Pos, lane: str) -> OriginalPayment:
        """As the contract has it; `last` is asked for now."""
        if self.payment is None:
            on = None if self.on is None else self.on.strftime("%Y%m%d")
            return OriginalPayment(approval_code=self.approval, approved_on=on, amount_minor=self.total_minor)
        request_id = request_id_or_last(self.payment)
        return OriginalPayment(request_id=request_id or pos.last(lane).request_id)


def original_options(command: F) -> F:
    """Adds PAYMENT, --approval, --on and --total, which the command gets as `named`."""

    @functools.wraps(command)
    def with_named(
        *arguments: Any, payment: str | None, approval: str | None, on: datetime | None, total: int | None, **more: Any
    ) -> Any:
        return command(*arguments, named=Named(payment, approval, on, total), **more)

    for add in (
        click.option("--total", type=click.IntRange(min=1), help="Its whole amount, in won."),
        click.option("--on", type=click.DateTime(["%Y%m%d", "%Y-%m-%d"]), metavar="YYYYMMDD",
                     help="The day on which it was approved."),
        click.option("--approval", metavar="CODE", help="Approval code on the receipt; --on and --total go with it."),
        click.argument("payment", required=False),
    ):  # fmt: skip
        with_named = add(with_named)
    return with_named  # type: ignore[return-value]

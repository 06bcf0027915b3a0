"""How a payment is shown, and which exit status it ends with."""

from __future__ import annotations

from rich.text import Text

from tpayd.cli.exits import Exit
from tpayd.cli.output import Output
from tpayd_client import PaymentResult, Verdict
from tpayd_client.types import Amount, PaymentKind, TimeSplit

__all__ = ["exit_of", "show_payment", "won"]

_STYLES = {Verdict.PAID: "bold green", Verdict.NOT_PAID: "bold red", Verdict.WAIT: "bold yellow"}
_EXITS = {Verdict.PAID: Exit.OK, Verdict.NOT_PAID: Exit.NO}
_LABEL_WIDTH = 12


def exit_of(result: PaymentResult) -> Exit:
    """PAID 0, NOT PAID 1, WAIT (and any word that this version does not know) 3."""
    return _EXITS.get(result.verdict, Exit.UNKNOWN)


def won(amount_minor: int) -> str:
    """An amount of KRW, which has no minor unit (ISO 4217)."""
    return f"{amount_minor:,} won"


def show_payment(output: Output, result: PaymentResult) -> None:
    """The verdict first, then what a cashier, a receipt or a support call needs."""
    verdict = result.verdict.value.replace("_", " ")
    output.line(Text.assemble((verdict, _STYLES.get(result.verdict, "bold")), f"  {result.message}"))
    for label, text in _facts(result):
        output.line(f"  {label:<{_LABEL_WIDTH}}{text}")


def _facts(result: PaymentResult) -> list[tuple[str, str]]:
    facts: list[tuple[str, str | None]] = [
        ("kind", None if result.kind is PaymentKind.SALE else result.kind.value.replace("_", " ")),
        ("amount", _parts(result.amount) if result.amount else None),
        ("balance", None if result.balance_minor is None else won(result.balance_minor)),
        ("given back", won(result.voided_minor) if result.voided_minor else None),
        ("approval", result.approval_code),
        ("response", result.response_code),
        ("card", _card(result)),
        ("lane", result.lane),
        ("terminal", result.receipt.terminal_id if result.receipt else None),
        ("reference", result.reference),
        ("state", result.state.value),
        ("reason", result.reason.value if result.reason else None),
        ("reversal", "pending" if result.reversal_pending else None),
        ("known in", f"{result.known_in_ms / 1000:.0f} s at the latest" if result.known_in_ms is not None else None),
        ("repeated", "yes: this answer was given before" if result.repeated else None),
        ("times", _times(result.times) if result.times else None),
        ("request id", result.request_id),
    ]
    return [(label, text) for label, text in facts if text]


def _parts(amount: Amount) -> str:
    parts = [
        f"{name} {won(value)}"
        for name, value in (
            ("VAT", amount.vat_minor),
            ("service charge", amount.service_charge_minor),
            ("tax-free", amount.tax_free_minor),
        )
        if value
    ]
    return won(amount.total_minor) + (f" (of it {', '.join(parts)})" if parts else "")


def _card(result: PaymentResult) -> str | None:
    card = result.card
    if card is None:
        return None
    return " ".join(part for part in (card.masked_pan, card.label or card.issuer, f"({card.entry_mode.value})") if part)


def _times(times: TimeSplit) -> str:
    shares = (
        ("customer", times.customer_us),
        ("reader", times.reader_us),
        ("host", times.host_us),
        ("daemon", times.daemon_us),
    )
    return f"{times.total_us / 1000:.1f} ms = " + " + ".join(f"{name} {us / 1000:.1f}" for name, us in shares)

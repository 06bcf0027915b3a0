"""A business day and its close, for a person and for a spreadsheet."""

from __future__ import annotations

import csv
from typing import IO

from tpayd.cli.moments import moment
from tpayd.cli.output import Output
from tpayd.cli.payment_view import won
from tpayd_client.types import Balance, CloseReport, DayTotals, ListedPayment, TotalLine

__all__ = ["show_report", "show_totals", "write_csv"]

_COLUMNS = ("LANE", "TERMINAL", "KIND", "COUNT", "TOTAL", "SUPPLY", "VAT", "SERVICE", "TAX-FREE")
_LISTED = ("LANE", "TERMINAL", "KIND", "STATE", "AMOUNT", "DAY", "STAN", "REQUEST ID")
_BALANCES = {
    Balance.BALANCED: "balanced with the card host",
    Balance.DIFFERENT: "DIFFERENT from the card host's book",
    Balance.NOT_COMPARED: "not compared with the card host",
}


def show_totals(output: Output, totals: DayTotals) -> None:
    """The book of a day."""
    output.line(f"Business day {totals.business_day}, host profile {totals.host_profile}")
    if totals.lines:
        output.table(_COLUMNS, [_cells(line) for line in totals.lines])
    else:
        output.line("Nothing was paid or taken back on this day.")
    for lane in totals.acknowledgements:
        if lane.acknowledged_count != lane.approved_count:
            missing = lane.approved_count - lane.acknowledged_count
            output.line(f"Lane {lane.lane}: its POS has not acknowledged {missing} of {lane.approved_count} payments.")
    _list(output, "Open, carried over until they are settled", totals.open, totals.open_left_out)
    _list(output, "Not acknowledged by a POS", totals.unacknowledged, totals.unacknowledged_left_out)
    by_hand, left_out = totals.settled_by_hand, totals.settled_by_hand_left_out
    _list(output, "Settled by hand: charged, though the POS was told NOT PAID", by_hand, left_out)


def show_report(output: Output, report: CloseReport) -> None:
    """A close: the book, and how it compares."""
    show_totals(output, report.totals)
    if report.restored is not None:
        taken, at = moment(report.restored.backup_at_ms), moment(report.restored.restored_at_ms)
        output.line(
            f"This store was restored at {at} from a backup of {taken}: payments made in between are at the host and "
            "not here, and are among the differences. Enter them at the till from its record and the acquirer's list.",
            style="yellow",
        )
    output.line(f"Close {report.number} of {report.totals.business_day}: {_balance(report.balance)}")
    for terminal in report.terminals:
        detail = f": {terminal.detail}" if terminal.detail else ""
        output.line(f"  Terminal {terminal.terminal_id}: {_balance(terminal.balance)}{detail}")
        for difference in terminal.differences:
            output.line(f"    {difference.figure}: {difference.ours:,} here, {difference.hosts:,} at the host")
        for request_id in terminal.suspects:
            output.line(f"    may explain it: payment {request_id} (tpayd explain {request_id})")


def write_csv(report: CloseReport, to: IO[str]) -> None:
    """One row per line of the book, then one per terminal and figure that differs."""
    writer = csv.writer(to)
    writer.writerow(("what", "business_day", "number", "lane", "terminal_id", "kind_or_figure", "reversed", "count",
                     "total_minor", "supply_minor", "vat_minor", "service_charge_minor", "tax_free_minor",
                     "hosts"))  # fmt: skip
    day = report.totals.business_day
    for line in report.totals.lines:
        writer.writerow(("total", day, report.number, line.lane, line.terminal_id, line.kind, line.reversed, line.count,
                         line.total_minor, line.supply_minor, line.vat_minor, line.service_charge_minor,
                         line.tax_free_minor, ""))  # fmt: skip
    for terminal in report.terminals:
        writer.writerow((terminal.balance, day, report.number, "", terminal.terminal_id, *[""] * 9))
        for difference in terminal.differences:
            writer.writerow(("difference", day, report.number, "", terminal.terminal_id, difference.figure, "", "",
                             difference.ours, "", "", "", "", difference.hosts))  # fmt: skip


def _cells(line: TotalLine) -> tuple[str, ...]:
    kind = line.kind.replace("_", " ") + (" (reversed)" if line.reversed else "")
    amounts = (line.total_minor, line.supply_minor, line.vat_minor, line.service_charge_minor, line.tax_free_minor)
    return line.lane, line.terminal_id, kind, str(line.count), *(won(amount) for amount in amounts)


def _list(output: Output, title: str, payments: tuple[ListedPayment, ...], left_out: int) -> None:
    if not payments:
        return
    output.line(f"{title}: {len(payments) + left_out}")
    output.table(_LISTED, [_listed(payment) for payment in payments])
    if left_out:
        output.line(f"  and {left_out} more")


def _listed(payment: ListedPayment) -> tuple[str, ...]:
    return (
        payment.lane, payment.terminal_id, payment.kind.replace("_", " "), payment.state, won(payment.amount_minor),
        payment.business_day or "", payment.stan or "", payment.request_id,
    )  # fmt: skip


def _balance(balance: Balance) -> str:
    return _BALANCES.get(balance, balance)

"""Three books after the load: what the POS were told, the journal, and the card host's ledger."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

from tests.bench.overload.tally import Sale, told_paid, told_twice
from tests.harness.base import StoreBase

__all__ = ["disagreements"]

_PAID_STATES = ("approved", "closed")


def disagreements(store: StoreBase, sales: Sequence[Sale]) -> list[str]:
    """Where they differ; empty: nothing was lost, nothing taken twice, and what was refused never began."""
    paid = told_paid(sales)
    journal = _journal(store)
    told = {(sale.lane, sale.key) for sale in paid}
    in_journal = {key for key, state in journal.items() if state in _PAID_STATES}
    refused = {(sale.lane, sale.key) for sale in sales} - told
    found = [f"request id used twice: {key}" for key in told_twice(sales)]
    found += [f"told PAID, not so in the journal: {key}" for key in told - in_journal]
    found += [f"PAID in the journal, not told so: {key}" for key in in_journal - told]
    found += [f"refused, and yet in the journal as {journal[key]}: {key}" for key in refused & journal.keys()]
    by_terminal = Counter((f"TPAY{int(sale.lane):04d}", sale.amount_minor) for sale in paid)
    host = Counter((entry.terminal_id, entry.amount_minor) for entry in store.sandbox.ledger() if entry.net_minor)
    found += [f"told PAID, not in the host's book: {entry}" for entry in (by_terminal - host).elements()]
    found += [f"in the host's book, not told PAID: {entry}" for entry in (host - by_terminal).elements()]
    return found


def _journal(store: StoreBase) -> dict[tuple[str, str], str]:
    """The state of every payment, by lane and request id."""
    path = store.instance.data / "journal.sqlite3"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute("select lane, request_id, state from payments").fetchall()
    return {(lane, request_id): state.lower() for lane, request_id, state in rows}

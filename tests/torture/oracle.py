"""Reads three books after the storm: what each POS was told, the daemon's, and the host's."""

from __future__ import annotations

from collections import Counter, defaultdict

from tests.harness import eventually
from tests.harness.base import StoreBase
from tests.torture.tills import Told
from tpayd_client.types import PaymentResult

__all__ = ["disagreements", "settle"]


def settle(store: StoreBase, told: list[Told], *, timeout_s: float = 90.0) -> dict[str, PaymentResult]:
    """Ask for every payment until nothing of any is pending."""
    final: dict[str, PaymentResult] = {}
    with store.client(connect_timeout_s=30.0) as pos:

        def all_settled() -> bool:
            for sale in told:
                known = final.get(sale.request_id)
                if known is None or known.verdict == "WAIT" or known.reversal_pending:
                    final[sale.request_id] = pos.status(sale.lane, sale.request_id)
            return not pending()

        def pending() -> list[PaymentResult]:
            return [result for result in final.values() if result.verdict == "WAIT" or result.reversal_pending]

        eventually(all_settled, timeout_s=timeout_s, what=lambda: f"everything settled; pending: {pending()}")
    return final


def disagreements(store: StoreBase, told: list[Told], final: dict[str, PaymentResult]) -> list[str]:
    """Where the three books differ; empty is the promise."""
    host: defaultdict[int, int] = defaultdict(int)
    entries = store.sandbox.ledger()
    for entry in entries:
        host[entry.amount_minor] += entry.net_minor
    found = []
    for sale in told:
        expected = sale.amount_minor if sale.verdict == "PAID" else 0
        if host[sale.amount_minor] != expected:
            found.append(f"{sale}: the host holds {host[sale.amount_minor]}")
        if final[sale.request_id].verdict != sale.verdict:
            found.append(f"{sale}: the daemon says {final[sale.request_id]}")
    strangers = set(host) - {sale.amount_minor for sale in told}
    found += [f"the host holds {host[amount]} that no POS knows of" for amount in strangers if host[amount]]
    stans = Counter((entry.terminal_id, entry.business_day, entry.stan) for entry in entries)
    found += [f"STAN used {times} times: {stan}" for stan, times in stans.items() if times > 1]
    return found

"""Reads three books after the storm: what each POS was told, the daemon's, and the host's."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from tests.harness import eventually
from tests.harness.base import StoreBase
from tests.torture.told import UNTOLD, Told
from tpayd_client import Pos, TpaydError
from tpayd_client.types import PaymentResult

__all__ = ["Oracle", "differences"]

_LEASE_END_S = 30.0
"""A lease that nobody renews ends by itself in this time."""


def differences(told: Iterable[Told], booked: Iterable[tuple[int, int]]) -> list[str]:
    """Where the tills' book and the host's differ; payments are told apart by their amounts.

    `booked` is what the host has, as amount and net amount of each entry, in won.
    """
    host: defaultdict[int, int] = defaultdict(int)
    for amount_minor, net_minor in booked:
        host[amount_minor] += net_minor
    known: defaultdict[int, list[Told]] = defaultdict(list)
    for sale in told:
        known[sale.amount_minor].append(sale)
    return [
        f"{known[amount] or 'no POS knows of it'}: the host holds {host[amount]}"
        for amount in {*host, *known}
        if host[amount] != sum(sale.effect_minor for sale in known[amount])
    ]


@dataclass
class Oracle:
    """What every POS of a store was told, to be compared with the other two books."""

    store: StoreBase
    told: list[Told] = field(default_factory=list)
    final: dict[str, PaymentResult] = field(default_factory=dict)
    """What the daemon says at last, by request id."""

    def hear(self, told: Iterable[Told]) -> None:
        """Verdicts that a POS has got."""
        self.told += told

    def settle(self, timeout_s: float = 90.0) -> list[str]:
        """Ask for every payment until nothing of any is pending; what still is at the end."""
        with self.store.client(connect_timeout_s=30.0) as pos:
            try:
                eventually(lambda: self._all_settled(pos), timeout_s=timeout_s, what="everything settled")
            except TimeoutError:
                return [f"{sale}: {self.final.get(sale.request_id)}" for sale in self.told if self._is_open(sale)]
        return []

    def disagreements(self) -> list[str]:
        """Where the three books differ; empty is the promise. Payments are told apart by their amounts."""
        booked = ((entry.amount_minor, entry.net_minor) for entry in self.store.sandbox.ledger())
        found = differences([self._as_known(sale) for sale in self.told], booked)
        for sale in self.told:
            final = self.final.get(sale.request_id)
            if sale.verdict != UNTOLD and (final is None or final.verdict != sale.verdict):
                found.append(f"{sale}: the daemon says {final}")
        return found

    def duplicate_stans(self) -> list[str]:
        """STANs that the host has seen twice under one terminal and business day."""
        stans = Counter((entry.terminal_id, entry.business_day, entry.stan) for entry in self.store.sandbox.ledger())
        return [f"STAN used {times} times: {stan}" for stan, times in stans.items() if times > 1]

    def leases_left(self) -> list[str]:
        """Readers that are still lent although nothing is under way."""
        left: list[str] = []

        def none_is_left() -> bool:
            with self.store.client() as pos:
                left[:] = [f"{device.name}: {device.leased_to}" for device in pos.devices().devices if device.leased_to]
            return not left

        try:
            eventually(none_is_left, timeout_s=_LEASE_END_S, what="no lease left")
        except TimeoutError:
            return left
        return []

    def _all_settled(self, pos: Pos) -> bool:
        for sale in [sale for sale in self.told if self._is_open(sale)]:
            try:
                self.final[sale.request_id] = pos.status(sale.lane, sale.request_id)
            except TpaydError:
                return False
        return not any(self._is_open(sale) for sale in self.told)

    def _as_known(self, sale: Told) -> Told:
        """Where the POS could learn nothing, the daemon's word must do: the two other books still have to agree."""
        final = self.final.get(sale.request_id)
        return replace(sale, verdict=final.verdict) if sale.verdict == UNTOLD and final is not None else sale

    def _is_open(self, sale: Told) -> bool:
        known = self.final.get(sale.request_id)
        return known is None or known.verdict == "WAIT" or known.reversal_pending

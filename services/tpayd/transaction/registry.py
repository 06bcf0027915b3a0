"""Which payments this process knows: under way, owed, or asked about lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from tpayd.kit.bus import CallError
from tpayd.transaction.case import Case
from tpayd_contracts.errors import ErrorCode
from tpayd_contracts.payment import PaymentState

__all__ = ["Key", "Registry"]

Key = tuple[str, str]
"""Lane and request id. A re-installed POS that counts from 1 again must not meet another lane's payment."""


_NEEDS_HUMAN = PaymentState.NEEDS_HUMAN


class Registry:
    """Payments by key; at most one per lane waits for its verdict."""

    def __init__(self, remembered_max: int) -> None:
        self._remembered_max = remembered_max
        self._live: dict[Key, Case] = {}
        self._of_lane: dict[str, Case] = {}
        self._of_terminal: defaultdict[str, set[Case]] = defaultdict(set)
        self._remembered: dict[Key, Case] = {}
        """The oldest first."""

    def find(self, key: Key) -> Case | None:
        """A payment in memory. One that is not here may still be on disk."""
        return self._live.get(key) or self._remembered.get(key)

    def under_way(self, lane: str) -> Case | None:
        """The lane's payment that has no verdict yet."""
        case = self._of_lane.get(lane)
        return case if case is not None and not case.told else None

    def claim(self, case: Case) -> None:
        """Take the lane for a new payment. Raises CallError `lane_busy`."""
        lane = case.payment.lane
        busy = self.under_way(lane)
        if busy is not None:
            text = f"lane {lane} has payment {busy.payment.request_id} under way"
            raise CallError.not_started(ErrorCode.LANE_BUSY, text, retryable=True)
        self._of_lane[lane] = case
        self.hold(case)

    def hold(self, case: Case) -> None:
        """Know a payment that takes no lane: one that is owed, or that is being buried."""
        self._live[case.key] = case
        self._of_terminal[case.payment.terminal_id].add(case)

    def forget(self, case: Case) -> None:
        """It did not begin after all, or is done with."""
        key, payment = case.key, case.payment
        if self._live.get(key) is case:
            del self._live[key]
        self._of_terminal[payment.terminal_id].discard(case)
        if self._of_lane.get(payment.lane) is case:
            del self._of_lane[payment.lane]

    def retire(self, case: Case) -> None:
        """Nothing more happens to it by itself; what a person must settle stays in sight."""
        if case.payment.state is not _NEEDS_HUMAN:
            self.forget(case)
            self.remember(case)

    def remember(self, case: Case) -> None:
        """Keep it for quick answers; the oldest goes."""
        remembered, key = self._remembered, case.key
        remembered.pop(key, None)
        remembered[key] = case
        while len(remembered) > self._remembered_max:
            del remembered[next(iter(remembered))]

    def stan_in_use(self, terminal_id: str, stan: str) -> bool:
        """Whether an open payment of the terminal has this STAN, which a wrap must skip."""
        for case in self._of_terminal.get(terminal_id, ()):
            payment = case.payment
            if stan == payment.stan or (payment.reversal is not None and stan == payment.reversal.stan):
                return True
        return False

    def standing(self, states: Collection[PaymentState]) -> list[Case]:
        """Payments that stand in one of these states and are not done with."""
        return [case for case in self._live.values() if case.payment.state in states]

    def count(self, state: PaymentState) -> int:
        """Payments that stand in this state and are not done with."""
        return sum(case.payment.state == state for case in self._live.values())

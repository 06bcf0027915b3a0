"""Which payments are PAID and wait for the word of their POS, and what becomes of those that wait too long.

By default they stand, and are listed. By setting (`unacknowledged = "reverse"`) one that began under that setting is
taken back. The first durable step wins: after an acknowledgement nothing is taken back, and what is being taken back
is NOT PAID in the answer to an acknowledgement that comes late.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from msgspec import Struct

from tpayd.kit.clock import Clock
from tpayd.transaction.payment import Payment
from tpayd.transaction.registry import Key
from tpayd.transaction.verdict import VERDICTS
from tpayd_contracts.payment import PaymentState, Verdict

__all__ = ["LET_GO_AT_ONCE", "MAX_WAITING", "Acknowledgements"]

MAX_WAITING = 10_000
"""Payments that are waited for. Beyond it the oldest are let go: they stand, and are not listed any more."""
_AT_ONCE = 20
"""Payments taken back in one round; the next one has more."""
LET_GO_AT_ONCE = 40
"""Payments let go in one turn of the event loop: a few milliseconds."""


# Bound once: to look a member up in its enum takes ten times as long as to read a name of the module.
_WAIT = Verdict.WAIT
_APPROVED = PaymentState.APPROVED


class _Waiting(Struct, frozen=True, gc=False):
    payment: Payment
    since_ms: int
    """By the clock that nobody can set: when this process came to know of it."""


class Acknowledgements:
    """Follows every payment by what is put into the journal."""

    def __init__(self, clock: Clock, after_s: float, *, max_waiting: int = MAX_WAITING) -> None:
        """`after_s` is how long a POS has to acknowledge."""
        self._clock = clock
        self._after_ms = int(after_s * 1000)
        self._max_waiting = max_waiting
        self._waiting: dict[Key, _Waiting] = {}

    def take_over(self, payments: Iterable[Payment]) -> None:
        """What a former process left waiting; its POS has its whole time once more."""
        for payment in sorted(payments, key=_ended_ms):
            self.note(payment)

    def note(self, payment: Payment) -> None:
        """A payment has changed. One without a POS waits for no word of one."""
        if VERDICTS[payment.state] is _WAIT:
            return  # nor was it PAID before
        key = payment.lane, payment.request_id
        if payment.state is _APPROVED and not payment.standalone:
            before = self._waiting.get(key)
            self._waiting[key] = _Waiting(payment, before.since_ms if before is not None else self._clock.boottime_ms())
        else:
            self._waiting.pop(key, None)

    def payment_of(self, key: Key) -> Payment | None:
        """A payment that waits, as it was last put into the journal; None: it does not."""
        waiting = self._waiting.get(key)
        return None if waiting is None else waiting.payment

    @property
    def late(self) -> list[Payment]:
        """Those that were approved longer ago than a POS has time for, oldest first."""
        limit_ms = self._clock.unix_ms() - self._after_ms
        found = [each.payment for each in self._waiting.values() if _ended_ms(each.payment) <= limit_ms]
        return sorted(found, key=_ended_ms)

    def to_take_back(self) -> list[Key]:
        """Those whose time is over and that must not stand then. One that was voided since is known to its POS."""
        limit_ms = self._clock.boottime_ms() - self._after_ms
        found = [
            key
            for key, each in self._waiting.items()
            if each.payment.reverse_unacknowledged and not each.payment.voided_minor and each.since_ms <= limit_ms
        ]
        return found[:_AT_ONCE]

    def let_go_share(self, turns: int) -> int:
        """How many of too many are to be let go in each of so many turns."""
        return min(-(-self._surplus // turns), LET_GO_AT_ONCE)

    def to_let_go(self, at_most: int) -> list[Payment]:
        """The oldest of too many, as they were last put into the journal: nobody has to read them again."""
        oldest = islice(self._waiting.values(), min(self._surplus, at_most))
        return [each.payment for each in oldest]

    @property
    def _surplus(self) -> int:
        return max(0, len(self._waiting) - self._max_waiting)


def _ended_ms(payment: Payment) -> int:
    return payment.ended_ms if payment.ended_ms is not None else payment.created_ms

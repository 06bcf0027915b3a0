"""What a restored store may say of payments that it does not know, and of those that the backup had open.

Between backup and restore payments may have been made that are in no journal. So, for a month after a restore:

* Who asks for an unknown request id hears `restored`, with the outcome `unknown`, and never NOT PAID. The id is buried
  all the same: nothing can happen under it any more.
* The first order of each lane is refused the same way. It may be the repeat of one that was sent to the lost store,
  and a lane has one payment at a time: what comes after it, under another id, is new.
* A lane's last payment is not told while it is one from before the restore.

docs/adr/0031 has the reasons.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from tpayd.kit.bus import CallError
from tpayd.kit.clock import Clock
from tpayd.transaction.journal.gap import Gap
from tpayd.transaction.journal.restoring import FORGET_AFTER_DAYS
from tpayd.transaction.payment import Payment
from tpayd.transaction.steps.business_day import business_day_of
from tpayd_contracts.business import StoreRestored
from tpayd_contracts.errors import ErrorCode, Outcome
from tpayd_contracts.payment import PaymentState, Reason

__all__ = ["Aftermath"]

_FORGET_MS = FORGET_AFTER_DAYS * 86_400_000
_WAY_OUT = (
    "look at the till's own record, the customer's slip, or the acquirer's list before anybody pays again; "
    "a new payment needs a new request id"
)


class Aftermath:
    """Of one journal. Without a gap it doubts nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gap: Gap | None = None
        self._heard: set[str] = set()

    def take_over(self, gap: Gap | None, heard: Collection[str]) -> None:
        """What the journal says. `heard`: lanes that have begun or asked for a payment since the restore."""
        self._gap = gap
        self._heard = set(heard)

    @property
    def lasts(self) -> bool:
        """Whether an unknown request id may be one of the gap."""
        return self._gap is not None and self._clock.unix_ms() - self._gap.restored_ms < _FORGET_MS

    def doubts(self, lane: str) -> bool:
        """Whether an order of this lane under an unknown id may be the repeat of a lost one."""
        return self._gap is not None and self.lasts and lane not in self._heard

    def hear(self, lane: str) -> None:
        """The lane has been told."""
        self._heard.add(lane)

    def check_known(self, payment: Payment) -> None:
        """Raises CallError `restored` where nobody here can know how the payment ended."""
        if payment.reason is not Reason.RESTORED or payment.state is PaymentState.REVERSED:
            return
        asking = payment.state is PaymentState.INQUIRING
        if payment.order is None:
            what = "is not in it"
        else:
            what = "was under way in it" + (": the card host is being asked what became of it" if asking else "")
        raise self._refusal(payment.request_id, what, retryable=asking)

    def check_last(self, payment: Payment) -> None:
        """Raises CallError `restored` for a lane's last payment where a later one may have been lost."""
        if self._gap is not None and self.lasts and payment.created_ms <= self._gap.restored_ms:
            raise self._refusal(f"of lane {payment.lane} that was made last", "may not be in it", retryable=False)

    def at_close(self, business_day: str, cutoff: str) -> StoreRestored | None:
        """For the close of a day that lies in the gap, or partly."""
        gap = self._gap
        if gap is None:
            return None
        first, last = (business_day_of(_local(at_ms), cutoff) for at_ms in (gap.backup_ms, gap.restored_ms))
        return StoreRestored(gap.backup_ms, gap.restored_ms) if first <= business_day <= last else None

    def _refusal(self, name: str, what: str, *, retryable: bool) -> CallError:
        source = f" from a backup of {_local(self._gap.backup_ms):%Y-%m-%d %H:%M:%S}" if self._gap is not None else ""
        known = f"the store was restored{source}, and payment {name} {what}"
        text = f"{known}. Whether it was paid is not known: {_WAY_OUT}"
        return CallError(ErrorCode.RESTORED, text, outcome=Outcome.UNKNOWN, retryable=retryable)


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()

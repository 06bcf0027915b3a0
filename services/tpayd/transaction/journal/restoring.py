"""Makes a journal that comes from a backup safe to go on with. Nothing uses it meanwhile.

The store may have gone on selling after the backup, so of what the journal says at its end nothing is certain:

* A STAN that is not reserved here may have been used since: each terminal goes on half the circle of numbers further.
* A payment that is open here may have ended since: the host is asked, and nothing is taken back blindly.
* A payment that is not here may have been made since: the gap is kept, and `tpayd.transaction.aftermath` knows it.

Each lane's chain gets a `store_restored` event, so the journal itself says from where on it is a restored one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing

from msgspec import Struct

from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.journal.entries import Entry, StanBlock
from tpayd.transaction.journal.gap import Gap
from tpayd.transaction.journal.opening import Found
from tpayd.transaction.journal.owning import RESTORED
from tpayd.transaction.journal.place import JournalPlace
from tpayd.transaction.journal.store import JournalStore
from tpayd.transaction.payment import Payment
from tpayd_contracts.payment import PaymentState, Reason

__all__ = ["FORGET_AFTER_DAYS", "SAFE_DAYS", "STAN_SKIP", "MadeSafe", "RestoredFrom", "make_safe", "skipped"]

STANS = 999_999
STAN_SKIP = 500_000
"""Half of all numbers. A STAN must be unique per terminal and business day."""
SAFE_DAYS = 25
"""For so long no terminal uses up half of its numbers: that would be 20,000 a day, one each 4 s without a pause."""
FORGET_AFTER_DAYS = 31
"""After so many days no POS asks for a payment of the gap any more."""


class RestoredFrom(Struct, frozen=True):
    """What the journal was restored from, and when."""

    backup_id: str
    backup_ms: int
    restored_ms: int
    sold_since: bool = True
    """False: a person says that the store sold nothing after the backup."""


class MadeSafe(Struct, frozen=True):
    """What was done."""

    lanes: int
    terminals: int
    """Whose STANs were skipped."""
    inquired: int
    """Open payments that the host is asked about."""
    lost: int
    """Payments that had not been sent: whether they were since, nobody here can know."""
    reversing: int
    """Payments whose reversal goes on."""


def make_safe(place: JournalPlace, source: RestoredFrom, terminals: Iterable[tuple[str, str]]) -> MadeSafe:
    """Mark the chains, decide about what is open, skip STANs.

    `terminals`: (profile, terminal id) of all that the store may use, also of those that never sold.

    Raises StorageError, JournalVersionError, JournalDamagedError, JournalOwnedError.
    """
    with closing(JournalStore(place.url, place.owner)) as store:
        found = store.open(by_force=True)
        lanes = sorted(store.ends.chains)
        entries = [_mark(lane, source) for lane in lanes]
        decided = list(_decided(found, source)) if source.sold_since else []
        known = dict.fromkeys(terminals, 0) | found.stan_blocks
        blocks = [StanBlock(profile, terminal, skipped(last)) for (profile, terminal), last in known.items()]
        store.write([*entries, *decided], blocks)
        if source.sold_since:
            store.note(RESTORED, _gap(found.restored, source, store.ends.position).written())
    states = [entry.payment.state for entry in decided]
    reversing = sum(payment.state in (PaymentState.UNKNOWN, PaymentState.REVERSING) for payment in found.open)
    return MadeSafe(
        len(lanes), len(blocks), states.count(PaymentState.INQUIRING), states.count(PaymentState.ABORTED), reversing
    )


def skipped(last: int) -> int:
    """The STAN after which a terminal goes on whose last reserved one was `last`."""
    return (last + STAN_SKIP - 1) % STANS + 1


def _mark(lane: str, source: RestoredFrom) -> Entry:
    payment = Payment(
        payment_id=str(uuid.uuid4()), lane=lane, request_id=str(uuid.uuid4()), body_hash=b"", order=None,
        terminal_id="", profile="", created_ms=source.restored_ms, state=PaymentState.ABORTED,
        reason=Reason.RESTORED, ended_ms=source.restored_ms,
    )  # fmt: skip
    return Entry(payment, ev.StoreRestored(payment, source.backup_id, source.backup_ms), source.restored_ms)


def _decided(found: Found, source: RestoredFrom) -> Iterator[Entry]:
    for payment in (*found.open, *found.unacknowledged):
        event = ev.FoundInBackup()
        if flow.has_row(payment, ev.FoundInBackup):
            yield Entry(flow.step(payment, event, source.restored_ms)[0], event, source.restored_ms)


def _gap(before: Gap | None, source: RestoredFrom, position: int) -> Gap:
    """One that includes an earlier gap that is not forgotten yet."""
    first_ms = source.backup_ms
    if before is not None and source.restored_ms - before.restored_ms < FORGET_AFTER_DAYS * 86_400_000:
        first_ms = min(first_ms, before.backup_ms)
    return Gap(first_ms, source.restored_ms, position)

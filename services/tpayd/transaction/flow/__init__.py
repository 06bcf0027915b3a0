"""A payment's whole life: (payment, event, now) → (payment, effects). Pure; everything else is a shell around it.

The rules of the machine:

1. SENDING, with the key that it will be MACed under, is on disk before its MAC is made, and its MAC made before the
   first byte leaves (`Commit` stands before `Transmit`). After a restart earlier states mean 'never charged', and
   SENDING means UNKNOWN.
2. UNKNOWN is never 'failed'. The reversal is on disk before the POS hears NOT PAID.
3. The first durable step wins: what comes later and is not in the table revives nothing.
4. A payment can be aborted until SENDING; after that it finishes, whether or not the POS is still there.
5. Six sendings of a reversal that settle nothing make NEEDS_HUMAN. What never left counts as none; what can never
   leave makes NEEDS_HUMAN too.
6. A request that provably never left, and a decline, end without a reversal.
7. What kinds of orders differ in is said by `order.RULES`, and asked here. One that needs no reader goes from CREATED
   straight to SENDING (a number that the customer keys is asked for in CREATED); a cash-IC payment without an answer is
   inquired, for a bounded time, before it is reversed.
8. What takes another payment back marks it in the commit of its own approval: neither is on disk without the other.
9. What a restored backup had open is never taken back blindly and never told NOT PAID on a guess (docs/adr/0031).

    CREATED → LEASED → CARD_READ → SENDING → AUTHORIZED → APPROVED → CLOSED
       │         │          │          ├────→ DECLINED
       └─────────┴──────────┴→ ABORTED ├────→ ABORTED (proof that no byte left)
                                       ├────→ UNKNOWN → REVERSING → REVERSED | NEEDS_HUMAN → REVERSED | CHARGED
                                       └────→ INQUIRING → APPROVED | DECLINED | REVERSING
    AUTHORIZED → REVERSING (the card's last word is no)
    APPROVED → REVERSING (only by setting: the POS did not acknowledge it in time)

An event that has no row in the present state raises `NotInTableError`; for an abort that means `too late`.

* `table`              rows by state and event, and how one is applied
* `before_sending`     from the order to the request
* `at_the_host`        the host's answer, and the card's last word
* `verdicts`           the ways in which a payment comes to its verdict
* `after_the_verdict`  acknowledged, voided, printed
* `inquiring`          asking what became of it
* `taking_back`        reversals, and who settles what none settles
* `restarts`           what a former process, or a restored backup, had open
"""

from __future__ import annotations

from tpayd.transaction.flow import after_the_verdict, at_the_host, inquiring, restarts  # noqa: F401  rows of the table
from tpayd.transaction.flow.before_sending import MAX_READERS, begin, bury
from tpayd.transaction.flow.table import ROWS, NotInTableError, Result, has_row, step
from tpayd.transaction.flow.taking_back import MAX_REVERSAL_TRIES

__all__ = [
    "MAX_READERS",
    "MAX_REVERSAL_TRIES",
    "ROWS",
    "NotInTableError",
    "Result",
    "begin",
    "bury",
    "has_row",
    "step",
]

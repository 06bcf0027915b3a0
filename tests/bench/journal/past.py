"""What a store has done for a year: payments as its lanes make them, each event a step of the real state table. Pure.

The same seed makes the same past, but for ids, which tell their time as a POS's do. Sales prevail, contactless or by
chip; beside them stand cash receipts, declines, aborts, voids of earlier sales, reversals, reprints, and once in a long
while a payment that waits for a person.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from tpayd.transaction import events as ev
from tpayd.transaction import flow
from tpayd.transaction.journal import StanBlock
from tpayd.transaction.journal.entries import Entry
from tpayd.transaction.order import Order
from tpayd.transaction.payment import Claim, Payment, body_hash, new_payment_id
from tpayd_contracts.money import Amount
from tpayd_contracts.orders import CashReceiptPurpose, OriginalPayment
from tpayd_contracts.payment import CardSummary, EntryMode, PaymentKind, PaymentState, Reason
from tpayd_contracts.records import ReceiptCopy

__all__ = ["EVENTS_PER_PAYMENT", "OPENS_AT_H", "OPEN_H", "Past", "days_until"]

EVENTS_PER_PAYMENT = 6.04
"""On average; how many payments a number of rows is."""
OPENS_AT_H = 9
OPEN_H = 12.0
_VOIDABLE = 300
"""Sales of each lane that a void chooses from: an hour ago or some days."""
_STUCK_EVERY = 200_000
_LAST_STAN = 999_999
_EMV = {"84": "A0000000031010", "9F26": "6C1F0A4B5E2D7788", "95": "0080008000", "50": "VISA CREDIT"}
_ISSUERS = ("Shinhan", "Kookmin", "Hana", "Lotte", "Hyundai", "Samsung")


@dataclass(slots=True)
class _Life:
    """One payment while it is lived through."""

    payment: Payment
    at_ms: int
    entries: list[Entry] = field(default_factory=list)

    def then(self, event: ev.Event, after_ms: int = 0) -> None:
        self.at_ms += after_ms
        if isinstance(event, ev.Created):
            self.payment, _ = flow.begin(event)
        else:
            self.payment, _ = flow.step(self.payment, event, self.at_ms)
        self.entries.append(Entry(self.payment, event, self.at_ms))


class Past:
    """Days of a store, one after the other; all that has to be known for the next one is kept here."""

    def __init__(self, lanes: Mapping[str, str], profile: str, seed: int = 1) -> None:
        """`lanes`: name → terminal id."""
        self._lanes = lanes
        self._profile = profile
        self._random = random.Random(seed)
        self._stans = dict.fromkeys(lanes.values(), 0)
        self._sales: dict[str, deque[Payment]] = {lane: deque(maxlen=_VOIDABLE) for lane in lanes}
        self._made = 0
        self.voided_late: tuple[str, str] | None = None
        """Lane and request id of a sale that was taken back as long after it as any."""

    @property
    def profile(self) -> str:
        return self._profile

    @property
    def terminal_ids(self) -> tuple[str, ...]:
        return tuple(self._lanes.values())

    @property
    def blocks(self) -> list[StanBlock]:
        """The STANs that are taken by now."""
        return [StanBlock(self._profile, terminal, last) for terminal, last in self._stans.items() if last]

    def day(self, date: datetime, payments: int, hours: float = OPEN_H) -> Iterator[list[Entry]]:
        """So many payments, spread over the day's first so many opening hours; a few at a time, in order of time.

        Each list holds whole payments, one of each lane at most, as the lanes are served beside each other.
        """
        opens_ms = int(date.replace(hour=OPENS_AT_H, tzinfo=None).astimezone().timestamp() * 1000)
        rounds = -(-payments // len(self._lanes))
        gap_ms = int(hours * 3_600_000 / max(1, rounds))
        left = payments
        for number in range(rounds):
            lanes = list(self._lanes)[: min(left, len(self._lanes))]
            left -= len(lanes)
            found: list[Entry] = []
            for lane in lanes:
                found += self._live(lane, opens_ms + number * gap_ms + self._random.randrange(max(1, gap_ms // 2)))
            found.sort(key=attrgetter("at_ms"))  # stable: a lane's own events stay in their order
            yield found

    def _live(self, lane: str, at_ms: int) -> list[Entry]:
        self._made += 1
        if self._made % _STUCK_EVERY == _STUCK_EVERY // 100:
            return self._stuck(lane, at_ms)
        draw = self._random.random()
        if draw < 0.035:
            return self._receipt(lane, at_ms)
        if draw < 0.05 and self._sales[lane]:
            return self._void(lane, at_ms)
        if draw < 0.10:
            return self._unsent(lane, at_ms, draw < 0.07)
        return self._sale(lane, at_ms, draw)

    def _sale(self, lane: str, at_ms: int, draw: float) -> list[Entry]:
        minor = self._random.randrange(10, 1200) * 100
        life = self._begun(lane, at_ms, Order(amount=Amount(total_minor=minor, vat_minor=minor // 11)))
        self._read_card(life, chip=draw > 0.80)
        self._seal(life)
        if draw < 0.12:
            life.then(ev.HostDeclined("51", 48_000, self._random.choice(_ISSUERS)), 60)
        elif draw < 0.125:
            self._take_back(life, answered=True)
        else:
            self._approve(life)
            if life.payment.chip:
                life.then(ev.CardAccepted(140_000), 150)
            self._sales[lane].append(life.payment)
        life.then(ev.Acknowledged(), 900)
        if life.payment.state is PaymentState.CLOSED:
            if draw < 0.14:
                life.then(ev.ReceiptPrinted(ReceiptCopy.CUSTOMER), 5_000)
            self._sales[lane][-1] = life.payment
        return life.entries

    def _receipt(self, lane: str, at_ms: int) -> list[Entry]:
        amount = Amount(total_minor=self._random.randrange(10, 1200) * 100)
        order = Order(kind=PaymentKind.CASH_RECEIPT, amount=amount, purpose=CashReceiptPurpose.SELF_ISSUE)
        life = self._begun(lane, at_ms, order)
        self._seal(life)
        self._approve(life)
        life.then(ev.Acknowledged(), 900)
        return life.entries

    def _void(self, lane: str, at_ms: int) -> list[Entry]:
        """Takes back a sale of this lane, which hears of it in the same commit."""
        sales = self._sales[lane]
        index = self._random.randrange(len(sales))
        sale = sales[index]
        if index < _VOIDABLE // 10 and len(sales) == _VOIDABLE:
            self.voided_late = sale.lane, sale.request_id
        del sales[index]
        assert sale.approval_code is not None
        assert sale.local is not None
        claim = Claim(
            approval_code=sale.approval_code, approved_on=sale.local[:8], amount_minor=sale.amount_minor,
            request_id=sale.request_id, stan=sale.stan, local=sale.local, business_day=sale.business_day,
            terminal_id=sale.terminal_id,
        )  # fmt: skip
        original = OriginalPayment(request_id=sale.request_id)
        order = Order(kind=PaymentKind.VOID, amount=sale.amount, original=original)
        life = self._begun(lane, at_ms, order, claim)
        self._seal(life)
        self._approve(life)
        marked = _Life(sale, life.at_ms)
        marked.then(ev.Voided(life.payment.payment_id, sale.amount_minor))
        life.entries += marked.entries
        life.then(ev.Acknowledged(), 900)
        return life.entries

    def _unsent(self, lane: str, at_ms: int, aborted: bool) -> list[Entry]:
        amount = Amount(total_minor=self._random.randrange(10, 1200) * 100)
        life = self._begun(lane, at_ms, Order(amount=amount))
        life.then(ev.Leased(f"reader-{lane}", f"lane {lane}"), 12)
        life.then(ev.AbortAsked() if aborted else ev.CardFailed(Reason.CARD_TIMEOUT), 9_000)
        life.then(ev.Acknowledged(), 900)
        return life.entries

    def _stuck(self, lane: str, at_ms: int) -> list[Entry]:
        """Its reversal was never answered, and nobody has settled it."""
        life = self._begun(lane, at_ms, Order(amount=Amount(total_minor=12_300)))
        self._read_card(life, chip=False)
        self._seal(life)
        self._take_back(life, answered=False)
        return life.entries

    def _take_back(self, life: _Life, *, answered: bool) -> None:
        life.then(ev.HostUnknown(Reason.HOST_SILENT, "no answer within 20 s", 20_000_000), 20_000)
        stan, local = self._next_stan(life.payment.terminal_id), _local(life.at_ms)
        life.then(ev.ReversalSealed(stan, local, local[:8]), 1_000)
        if answered:
            life.then(ev.ReversalAnswered("00", settled=True), 60)
            return
        for _ in range(flow.MAX_REVERSAL_TRIES):
            life.then(ev.ReversalUnanswered("no answer within 20 s"), 20_000)

    def _begun(self, lane: str, at_ms: int, order: Order, claim: Claim | None = None) -> _Life:
        payment = Payment(
            payment_id=new_payment_id(at_ms), lane=lane, request_id=new_payment_id(at_ms), body_hash=body_hash(order),
            order=order, terminal_id=self._lanes[lane], profile=self._profile, created_ms=at_ms, claim=claim,
            trace=f"{self._random.getrandbits(128):032x}", client=f"till-{lane}",
        )  # fmt: skip
        life = _Life(payment, at_ms)
        life.then(ev.Created(payment))
        return life

    def _read_card(self, life: _Life, *, chip: bool) -> None:
        lane = life.payment.lane
        mode = EntryMode.IC if chip else EntryMode.CONTACTLESS
        last = self._random.randrange(10_000)
        card = CardSummary(masked_pan=f"411111******{last:04d}", entry_mode=mode, label="VISA CREDIT")
        life.then(ev.Leased(f"reader-{lane}", f"lane {lane}"), 12)
        life.then(ev.CardRead(card, chip=chip, customer_us=3_100_000, reader_us=280_000, emv=_EMV), 3_400)

    def _seal(self, life: _Life) -> None:
        stan, local = self._next_stan(life.payment.terminal_id), _local(life.at_ms)
        key_id = f"{life.payment.terminal_id}-1"
        life.then(ev.Sealed(stan, local, local[:8], key_id, self._random.randbytes(32), life.at_ms), 5)

    def _approve(self, life: _Life) -> None:
        code = f"{self._random.randrange(1_000_000):06d}"
        issuer = self._random.choice(_ISSUERS) if life.payment.card is not None else None
        life.then(ev.HostApproved("00", code, life.at_ms + 60, 48_000, issuer, issuer), 60)

    def _next_stan(self, terminal_id: str) -> str:
        self._stans[terminal_id] = self._stans[terminal_id] % _LAST_STAN + 1
        return f"{self._stans[terminal_id]:06d}"


def _local(at_ms: int) -> str:
    """Local time, YYYYMMDDhhmmss."""
    return (datetime.fromtimestamp(at_ms // 1000, UTC).astimezone()).strftime("%Y%m%d%H%M%S")


def days_until(today: datetime, count: int) -> Iterator[datetime]:
    """So many days that end with `today`."""
    for before in range(count - 1, -1, -1):
        yield today - timedelta(days=before)

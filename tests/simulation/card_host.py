"""The card host, with a ledger of its own that outlives everything, and the manners that hosts are known for."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tests.simulation.keys import host_mac, key_number, store_mac
from tpayd.hosts import EmvAnswer, Financial, HostFormatError, Inquiry, Original, Reversal, Unsealed
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.codec import seal
from tpayd_contracts.money import Amount
from tpayd_contracts.payment import EntryMode, PaymentKind

if TYPE_CHECKING:
    from tests.simulation.host_line import SimTransport
    from tests.simulation.world import World

__all__ = ["Entry", "Manner", "SimHost"]

_NOT_FOUND, _APPROVED, _DECLINED, _DUPLICATE, _TOO_LATE, _BUSY = "25", "00", "51", "94", "12", "96"
_VOIDS = (PaymentKind.VOID, PaymentKind.SIMPLE_PAY_VOID, PaymentKind.CASH_RECEIPT_VOID, PaymentKind.CASH_IC_REFUND)

Name = tuple[str, str, str]
"""How a reversal or an inquiry names a request: terminal, STAN, MMDDhhmmss."""


class Manner(enum.StrEnum):
    """What the host does with one request."""

    PROPER = "proper"
    DECLINE = "decline"
    SILENT = "silent"
    """Booked; no answer."""
    DEAF = "deaf"
    """Not booked; no answer."""
    LATE = "late"
    """Booked; the answer comes when nobody waits any more."""
    TWICE = "twice"
    GARBLED = "garbled"
    """Booked; the answer cannot be read."""
    BAD_MAC = "bad_mac"
    """Booked; the answer's MAC is wrong."""
    FORGED = "forged"
    """Declined; somebody on the line turns the answer into an approval, and cannot make its MAC."""
    HANG_UP = "hang_up"
    """Booked; the connection ends instead of an answer."""
    HANG_UP_DEAF = "hang_up_deaf"
    """Not booked; the connection ends."""
    SLOW = "slow"
    """Booked so late that a reversal or an inquiry can be there first; answered then."""
    WRONG_AMOUNT = "wrong_amount"
    """Booked; the answer names another amount."""
    REFUSE = "refuse"
    """A reversal or an inquiry that is refused with a code that settles nothing."""


@dataclass
class Entry:
    """One order in the ledger."""

    name: Name
    business_day: str
    kind: PaymentKind
    amount_minor: int
    reference: str
    customer: str
    """Whose card it was; empty where the host cannot tell."""
    code: str
    number: int
    net_minor: int = 0
    """What of it stands: its amount or 0, if nothing goes wrong."""
    reversals: int = 0
    takes_back: Entry | None = None
    by_receipt: bool = False
    """Whether it named what it takes back by its receipt alone."""
    voided_minor: int = 0

    @property
    def approval_code(self) -> str:
        return f"{self.number:06d}"


@dataclass
class SimHost:
    """See the module."""

    world: World
    slow_s: float
    """How long the slowest booking takes. The store's `host_max_processing_s` must not be less."""
    late_s: float
    remembers_orphans: bool
    """Whether an order that comes after its reversal is refused, or booked all the same."""
    entries: list[Entry] = field(default_factory=list)
    seen: dict[Name, str] = field(default_factory=dict)
    """Reference of each order that came, booked or not."""
    asked: dict[tuple[Name, str], int] = field(default_factory=dict)
    """How often each order was reversed, and asked about."""
    keys: dict[Name, int] = field(default_factory=dict)
    """Which key each order came under."""
    orphans: set[Name] = field(default_factory=set)

    def take(self, raw: bytes, line: SimTransport) -> None:
        """A request came."""
        try:
            received = host_side.read(raw, self.world.clock.local().date())
        except HostFormatError as error:
            self.world.violation(f"the host could not read a request: {error}")
            return
        message, ksn = received.message, received.ksn
        if not isinstance(message, (Financial, Reversal, Inquiry)):
            answer = host_side.reply_network(message, host_side.NetworkReply(response_code=_APPROVED))  # type: ignore[arg-type]
            line.answer(answer, 0.01)
            return
        if received.mac != store_mac(ksn, received.covered):
            self.world.violation("the host got a request whose MAC is wrong")
        elif isinstance(message, Financial):
            self._order(message, ksn, line)
        elif isinstance(message, Reversal):
            self._reversal(message, ksn, line)
        else:
            self._inquiry(message, ksn, line)

    # Orders

    def _order(self, order: Financial, ksn: bytes, line: SimTransport) -> None:
        self.seen[order.terminal_id, order.stan, order.local[4:]] = order.reference or ""
        self.keys[order.terminal_id, order.stan, order.local[4:]] = key_number(ksn)
        visit = self.world.visit_by(order.reference)
        manner = visit.host if visit is not None else Manner.PROPER
        self.world.note("host", f"gets {order.kind} {order.reference} as STAN {order.stan} ({manner})")
        self.world.watch.host_got(order.terminal_id, order.business_day, order.stan, f"order {order.local}")
        if manner is Manner.SLOW:
            self.world.at(self.slow_s, self.world.outside, self._book, order, ksn, line, manner)
        elif manner is Manner.HANG_UP_DEAF:
            line.hang_up()
        elif manner is not Manner.DEAF:
            self._book(order, ksn, line, manner)

    def _book(self, order: Financial, ksn: bytes, line: SimTransport, manner: Manner) -> None:
        entry = self._entry(order, manner)
        self.entries.append(entry)
        self.world.note("host", f"books {order.reference}: {entry.code}, net {entry.net_minor}")
        code = _APPROVED if manner is Manner.FORGED else entry.code
        reply = host_side.FinancialReply(
            response_code=code,
            host_reference=f"SIM{entry.number:09d}",
            approval_code=entry.approval_code if code == _APPROVED else None,
            issuer="SIM",
            acquirer="SIM",
            emv=EmvAnswer(arc=code) if order.entry_mode is EntryMode.IC and order.emv else None,
            balance_minor=12_345 if order.kind is PaymentKind.CASH_IC_BALANCE and code == _APPROVED else None,
        )
        if manner is Manner.WRONG_AMOUNT and order.amount is not None:
            order = replace(order, amount=Amount(order.amount.total_minor + 7))
        self._answer(host_side.reply_financial(order, reply), ksn, line, manner)

    def _entry(self, order: Financial, manner: Manner) -> Entry:
        name = (order.terminal_id, order.stan, order.local[4:])
        original = None
        code = _DECLINED if manner in (Manner.DECLINE, Manner.FORGED) else _APPROVED
        if order.kind in _VOIDS and order.original is not None:
            original = self._original(order.terminal_id, order.original)
            if original is None or not self._may_void(original, order):
                code = _NOT_FOUND
        if name in self.orphans and self.remembers_orphans:
            code = _TOO_LATE
        few = self.world.plan.stan_last is not None  # so few numbers that a day needs them twice
        if any(
            (one.name[0], one.business_day, one.name[1]) == (order.terminal_id, order.business_day, order.stan)
            and (one.name == name or not few)
            for one in self.entries
        ):
            code = _DUPLICATE
        stands = code == _APPROVED and order.kind is not PaymentKind.CASH_IC_BALANCE
        entry = Entry(
            name, order.business_day, PaymentKind(order.kind), order.total_minor, order.reference or "",
            "" if order.terminal_cipher else order.cipher.decode().strip("\0 "), code, len(self.entries) + 1,
            net_minor=order.total_minor if stands else 0, takes_back=original if stands else None,
            by_receipt=order.original is not None and order.original.stan is None,
        )  # fmt: skip
        if entry.takes_back is not None:
            entry.takes_back.voided_minor += entry.net_minor
            if entry.takes_back.voided_minor > entry.takes_back.amount_minor:
                self.world.violation(f"{entry.reference} gives {entry.takes_back.reference} back once more")
        return entry

    def _original(self, asking: str, original: Original) -> Entry | None:
        """Two terminals may use one number in one second: a number is its terminal's."""
        number = _name(original.terminal_id or asking, original)
        for entry in self.entries:
            if entry.net_minor and entry.code == _APPROVED and entry.kind not in _VOIDS:
                by_number = original.stan is not None and entry.name == number
                if by_number or (original.stan is None and entry.approval_code == original.approval_code):
                    return entry
        return None

    def _may_void(self, original: Entry, order: Financial) -> bool:
        """Where the store knows the original itself, it is the store that must not give back twice."""
        by_receipt = order.original is not None and order.original.stan is None
        earlier = [one for one in self.entries if one.takes_back is original and one.net_minor]
        return not earlier or not (by_receipt or any(one.by_receipt for one in earlier))

    # What follows an order

    def _reversal(self, reversal: Reversal, ksn: bytes, line: SimTransport) -> None:
        name = _name(reversal.terminal_id, reversal.original)
        self._same_key(name, ksn, "reversal")
        manner = self._manner(name, "reversal")
        repeated = "repeated " if reversal.repeat else ""
        self.world.note(
            "host", f"gets {repeated}reversal of {self.seen.get(name, '?')} as STAN {reversal.stan} ({manner})"
        )
        what = f"reversal of {name} {reversal.local}"
        self.world.watch.host_got(reversal.terminal_id, reversal.business_day, reversal.stan, what)
        if manner is Manner.DEAF:
            return
        if manner is Manner.HANG_UP_DEAF:
            line.hang_up()
            return
        code = _BUSY if manner is Manner.REFUSE else self._take_back(name, reversal)
        self._answer(host_side.reply_reversal(reversal, code), ksn, line, manner)

    def _take_back(self, name: Name, reversal: Reversal) -> str:
        entry = self._find(name)
        if entry is None:
            self.orphans.add(name)
            return _NOT_FOUND
        if entry.amount_minor != reversal.amount_minor:
            return "13"
        # A second 0420 that does not say that it is a repeat is a second reversal, and counts once more.
        if entry.code == _APPROVED and (entry.reversals == 0 or not reversal.repeat):
            entry.net_minor -= entry.amount_minor
            entry.reversals += 1
            if entry.takes_back is not None:
                entry.takes_back.voided_minor -= entry.amount_minor
        return _APPROVED

    def _inquiry(self, inquiry: Inquiry, ksn: bytes, line: SimTransport) -> None:
        name = _name(inquiry.terminal_id, inquiry.original)
        self._same_key(name, ksn, "inquiry")
        manner = self._manner(name, "inquiry")
        self.world.note("host", f"is asked about {self.seen.get(name, '?')} as STAN {inquiry.stan} ({manner})")
        self.world.watch.host_got(inquiry.terminal_id, inquiry.business_day, inquiry.stan, f"inquiry {name}")
        if manner is Manner.DEAF:
            return
        if manner is Manner.HANG_UP_DEAF:
            line.hang_up()
            return
        entry = self._find(name)
        if manner is Manner.REFUSE:
            reply = host_side.InquiryReply(response_code=_BUSY)
        elif entry is None:
            reply = host_side.InquiryReply(response_code=_NOT_FOUND)
        elif entry.code == _APPROVED and entry.net_minor:
            reply = host_side.InquiryReply(
                response_code=_APPROVED, amount_minor=entry.amount_minor, approval_code=entry.approval_code,
                host_reference=f"SIM{entry.number:09d}",
            )  # fmt: skip
        else:
            reply = host_side.InquiryReply(response_code=_DECLINED)
        self._answer(host_side.reply_inquiry(inquiry, reply), ksn, line, manner)

    def _same_key(self, name: Name, ksn: bytes, what: str) -> None:
        """What settles an order is MACed under the order's own key, however many the terminal has had since."""
        if self.keys.get(name, key_number(ksn)) != key_number(ksn):
            self.world.violation(f"the {what} of {self.seen.get(name)} came under another key than it")

    def _find(self, name: Name) -> Entry | None:
        return next((one for one in self.entries if one.name == name and one.code != _DUPLICATE), None)

    def _manner(self, name: Name, what: str) -> Manner:
        attempt = self.asked.get((name, what), 0)
        self.asked[name, what] = attempt + 1
        visit = self.world.visit_by(self.seen.get(name))
        if visit is None or self.world.healing:
            return Manner.PROPER
        manners = visit.reversals if what == "reversal" else visit.inquiries
        return manners[attempt] if attempt < len(manners) else Manner.PROPER

    # All of them

    def _answer(self, unsealed: Unsealed, ksn: bytes, line: SimTransport, manner: Manner) -> None:
        mac = host_mac(ksn, unsealed.head + ksn + unsealed.tail)
        if manner in (Manner.BAD_MAC, Manner.FORGED):
            mac = bytes([mac[0] ^ 1]) + mac[1:]
        answer = seal(unsealed, ksn, mac)
        match manner:
            case Manner.SILENT:
                return
            case Manner.HANG_UP:
                line.hang_up()
            case Manner.LATE:
                line.answer(answer, self.late_s)
            case Manner.TWICE:
                line.answer(answer, 0.02)
                line.answer(answer, 0.03)
            case Manner.GARBLED:
                line.answer(answer[:4] + bytes(byte ^ 0xA5 for byte in answer[4:]), 0.02)
            case _:
                line.answer(answer, 0.02)


def _name(terminal_id: str, original: Original) -> Name:
    return terminal_id, original.stan or "", (original.local or "")[4:]

"""Sees what nobody in the store sees whole: what left for the host, what is on disk by then, and who was told what.

Each method is told of one thing as it happens, and complains to the world when it must not be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulation.keys import key_number
from tpayd.hosts.iso8583 import host_side
from tpayd.hosts.iso8583.matching import match_key
from tpayd_contracts.host import EXCHANGE
from tpayd_contracts.keys import MAC_EXCHANGE
from tpayd_contracts.payment import PaymentResult, PaymentState, Reason, Verdict

if TYPE_CHECKING:
    from tests.simulation.plan import Visit
    from tests.simulation.serial_line import Desktop
    from tests.simulation.world import World

__all__ = ["Key", "Order", "Watch"]

Key = tuple[str, str]
"""Lane and request id."""

_PAID = (PaymentState.APPROVED, PaymentState.CLOSED)
_UNDECIDED = (PaymentState.SENDING, PaymentState.AUTHORIZED, PaymentState.INQUIRING)
_STAN_IN_USE = ("sending", "inquiring", "authorized", "unknown", "reversing", "needs_human")
_SENT = ("sending", "inquiring", "unknown", "reversing")
"""On disk, what may be on its way to the host, and what may be so still although its exchange was given up."""
_LATE_US = 5_000_000
_DISK_TROUBLE_US = 25_000_000
"""How long after a disk fault a verdict may still be one that the disk did not take."""


@dataclass
class Order:
    """What a POS has asked for under an id; another body under the same id is another order."""

    key: Key
    visit: Visit
    amount_minor: int
    """What the display shows."""


@dataclass
class Watch:
    """See the module."""

    world: World
    orders: dict[str, Order] = field(default_factory=dict)
    """By the reference that the order carries to the host."""
    heard_last: dict[Key, tuple[Verdict, PaymentResult]] = field(default_factory=dict)
    sendings: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """Terminal, class and STAN → messages handed to a line."""
    left_for: set[tuple[str, str]] = field(default_factory=set)
    """Terminal and STAN of sales whose bytes were handed to a line."""
    asked: set[Key] = field(default_factory=set)
    """Every id under which anything was ever asked."""
    unseen: int = 0
    """Exchanges of which nobody in the store can know whether they left: the bus failed under them."""
    _numbers: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _waits: dict[Key, tuple[int, int]] = field(default_factory=dict)

    # The POS

    def ordered(self, visit: Visit, request_id: str, amount_minor: int) -> str:
        """A sale is about to be sent; its reference."""
        key = visit.lane, request_id
        self.asked.add(key)
        conflict = "x" if amount_minor != visit.amount_minor else ""
        reference = f"{visit.name}{conflict}/{request_id[-4:]}"
        if reference not in self.orders:
            self.orders[reference] = Order(key, visit, amount_minor)
        self.world.note(visit.lane, f"sends {visit.kind} {reference} for {amount_minor}")
        return reference

    def heard(self, lane: str, request_id: str, result: Any) -> None:
        """A POS has an answer in its hands."""
        if not isinstance(result, PaymentResult):
            return
        key = lane, request_id
        self.asked.add(key)
        self.world.note(
            lane, f"hears {result.verdict} ({result.state}, {result.reason or '-'}) about {request_id[-4:]}"
        )
        if result.verdict is Verdict.WAIT:
            if key in self.heard_last:
                self.world.violation(f"{key} was {self.heard_last[key][0]}, and is WAIT again")
            return
        before = self.heard_last.get(key)
        if before is not None and before[0] is not result.verdict:
            self.world.violation(f"{key} was {before[0]} ({before[1].state}), and is {result.verdict} ({result.state})")
        self.heard_last[key] = result.verdict, result

    # The transaction process answers

    def told(self, body: Any) -> None:
        """An answer leaves the daemon: what it says must be on disk already."""
        if not isinstance(body, PaymentResult):
            return
        key = body.lane, body.request_id
        if body.verdict is Verdict.WAIT:
            self._told_wait(key, body)
        else:
            self._told_verdict(key, body)

    def _told_wait(self, key: Key, body: PaymentResult) -> None:
        life, now_us = self.world.lives["transaction"], self.world.now_us
        ends_us = now_us + (body.known_in_ms or 0) * 1000
        of_life, before_us = self._waits.get(key, (life, ends_us))
        if of_life != life:
            before_us = ends_us
        if now_us > before_us and self._calm:
            self.world.violation(f"{key} is WAIT for longer than was said")
        self._waits[key] = life, min(before_us, ends_us)

    def _told_verdict(self, key: Key, body: PaymentResult) -> None:
        world = self.world
        life, ends_us = self._waits.pop(key, (0, 0))
        if life == world.lives["transaction"] and world.now_us > ends_us + _LATE_US and self._calm:
            world.violation(f"the verdict of {key} came later than was said")
        kept = world.disk.durable().payment(*key)
        state = None if kept is None else kept.state
        if body.verdict is Verdict.PAID:
            wrong = state not in _PAID
        elif body.reason == Reason.NEVER_SEEN:
            wrong = state != PaymentState.ABORTED
        else:
            # Where the disk has taken nothing lately, the verdict stands all the same: a restart comes to it, too.
            wrong = state in _PAID or (self._calm and (state is None or state in _UNDECIDED))
        if wrong:
            world.violation(f"{key} was told {body.verdict} ({body.state}), and on disk it is {state}")

    @property
    def _calm(self) -> bool:
        """Whether the disk has taken everything lately."""
        return self.world.now_us > self.world.disk_trouble_us + _DISK_TROUBLE_US

    # The line

    def lost_sight(self, op: str) -> None:
        """A call ended without its peer's word."""
        if op in (MAC_EXCHANGE.name, EXCHANGE.name):
            self.unseen += 1

    def left(self, raw: bytes) -> None:
        """A message is handed to a line: from now on the host may have it."""
        mti = raw[:4].decode("ascii", "replace")
        if mti[:2] == "08":
            return
        found = match_key(raw)
        what = found.terminal_id, mti[:2], found.stan
        self.sendings[what] = self.sendings.get(what, 0) + 1
        world = self.world
        if mti == "0200":
            self.left_for.add((found.terminal_id, found.stan))
            if self.sendings[what] > 1 and world.plan.stan_last is None:
                world.violation(f"sale {found.stan} of {found.terminal_id} left twice")
        rows = [row for row in world.disk.durable().payments.values() if row["terminal_id"] == found.terminal_id]
        if sum(row["stan"] == found.stan and row["state"] in _STAN_IN_USE for row in rows) > 1:
            world.violation(f"{mti} with STAN {found.stan} of {found.terminal_id}: another open payment has it")
        if mti == "0200":
            # One whose exchange was given up meanwhile may still be on its way out: then SENDING was there before.
            kept = any(row["stan"] == found.stan and row["state"] in _SENT for row in rows)
        else:
            kept = any(
                record is not None and record.stan == found.stan
                for payment in (world.disk.durable().payment(row["lane"], row["request_id"]) for row in rows)
                if payment is not None
                for record in (payment.inquiry if mti == "0600" else payment.reversal,)
            )
        if not kept:
            world.violation(f"{mti} with STAN {found.stan} of {found.terminal_id} left before it was on disk")
        elif mti == "0200" and not self._under_the_kept_key(raw, [row for row in rows if row["stan"] == found.stan]):
            world.violation(f"sale {found.stan} of {found.terminal_id} left under another key than is on disk")

    def _under_the_kept_key(self, raw: bytes, rows: list[Any]) -> bool:
        """What settles it after a crash is MACed under the key that the disk knows."""
        number = key_number(host_side.read(raw, self.world.clock.local().date()).ksn)
        payments = [self.world.disk.durable().payment(row["lane"], row["request_id"]) for row in rows]
        return any(one is not None and (one.key_id or "").endswith(f"/{number}") for one in payments)

    def host_got(self, terminal_id: str, business_day: str, stan: str, what: str) -> None:
        """The host takes every number once per terminal and business day."""
        if self.world.plan.stan_last is not None:
            return  # so few numbers that a day needs them twice
        before = self._numbers.setdefault((terminal_id, business_day, stan), what)
        if before != what:
            self.world.violation(f"STAN {stan} of {terminal_id} on {business_day}: first {before}, then {what}")

    # The readers

    def reader_asked(self, desktop: Desktop, amount_minor: int) -> Visit | None:
        """A reader begins to wait for a customer: it must be lent to that lane, and empty. Whoever comes to it."""
        world = self.world
        broker = world.processes.get("device_broker")
        holder = None
        if broker is not None and not broker.dead and broker.service is not None:
            holder = broker.service._pool.holder(desktop.name)
        named = [visit for visit in world.plan.visits if amount_minor and visit.amount_minor == amount_minor]
        if holder is not None and named and holder.lane not in {visit.lane for visit in named}:
            world.violation(f"{desktop.name} asks for the card of {named[0].lane}, and is lent to {holder.lane}")
        lane = holder.lane if holder is not None else None
        here = world.at_lane.get(lane or "")
        if here is None or (named and here not in named):
            here = next((visit for visit in named if lane in (None, visit.lane)), None)
        if here is not None and desktop.card_inside and desktop.customer not in ("", here.name):
            world.violation(
                f"{desktop.name} asks for the card of {here.name}; inside is the card of {desktop.customer}"
            )
        return here

    def card_presented(self, desktop: Desktop, visit: Visit) -> None:
        self.world.note(desktop.name, f"reads the card of {visit.name} ({visit.card})")

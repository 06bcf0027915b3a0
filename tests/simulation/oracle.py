"""After all has healed: three books (what each POS was told, the journal, the host's ledger) must say the same."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.simulation.disk import Contents
from tests.simulation.watch import Key
from tpayd.sandbox.card_list import CardKind
from tpayd.transaction.journal.chain import GENESIS, Link, link
from tpayd.transaction.payment import Payment
from tpayd_contracts.device import DeviceState
from tpayd_contracts.payment import EntryMode, PaymentKind, PaymentResult, PaymentState, Verdict

if TYPE_CHECKING:
    from tests.simulation.world import World

__all__ = ["judge"]

_OPEN = (
    PaymentState.CREATED, PaymentState.LEASED, PaymentState.CARD_READ, PaymentState.SENDING, PaymentState.INQUIRING,
    PaymentState.AUTHORIZED, PaymentState.UNKNOWN, PaymentState.REVERSING,
)  # fmt: skip


_SOLD = (PaymentKind.SALE, PaymentKind.CASH_IC_SALE, PaymentKind.SIMPLE_PAY, PaymentKind.CASH_RECEIPT)
_BY_CARD = (PaymentKind.SALE, PaymentKind.CASH_IC_SALE, PaymentKind.CASH_RECEIPT)
_TRIES = 6
"""Sendings of a reversal without an answer before a person must settle it (docs/adr/0010)."""


def judge(world: World, answers: dict[Key, PaymentResult | None]) -> None:
    """Compare the books; complains to the world. `answers` is what the daemon says of every id in the end."""
    contents = world.disk.durable()
    _chains(world, contents)
    _money(world, answers, contents)
    _host_against_orders(world)
    _voids(world, contents)
    _leftovers(world)


def _chains(world: World, contents: Contents) -> None:
    ends: dict[str, Link] = {}
    for position, row in enumerate(contents.events, start=1):
        lane = row["lane"]
        before = ends.get(lane, Link(0, GENESIS))
        after = link(before, lane, row["payment_id"], row["event"], row["at_ms"], row["payload_hash"])
        whole = hashlib.sha256(row["payload"]).digest() == row["payload_hash"]
        if not whole or (row["seq"], row["hash"]) != (after.seq, after.hash):
            world.violation(f"the chain of {lane} breaks at event {row['seq']}")
        if row["position"] != position:
            world.violation(f"event {row['position']} stands at place {position}")
        ends[lane] = after
    acknowledged = Counter(row["payment_id"] for row in contents.events if row["event"] == "acknowledged")
    for payment_id, times in acknowledged.items():
        if times > 1:
            world.violation(f"payment {payment_id} was acknowledged {times} times")
    told = {lane: Link(row["seq"], row["hash"]) for lane, row in contents.chains.items()}
    if told != ends:
        world.violation("the ends of the chains are not where the journal says")


def _money(world: World, answers: dict[Key, PaymentResult | None], contents: Contents) -> None:
    nets: defaultdict[Key, int] = defaultdict(int)
    for entry in world.host.entries:
        order = world.watch.orders.get(entry.reference)
        if order is not None:
            nets[order.key] += entry.net_minor
    for key, answer in answers.items():
        if answer is None:
            world.violation(f"{key}: nobody can be told what became of it")
        elif answer.verdict is Verdict.WAIT:
            world.violation(f"{key} is WAIT in the end ({answer.state})")
        else:
            _verdict(world, key, answer, contents.payment(*key), nets[key])


def _verdict(world: World, key: Key, answer: PaymentResult, kept: Payment | None, net_minor: int) -> None:
    """What was told is what the host has."""
    state = answer.state if kept is None else kept.state
    if state in _OPEN:
        world.violation(f"{key} is left {state}")
    if kept is not None and state == PaymentState.NEEDS_HUMAN:
        _needs_human(world, key, kept.terminal_id, kept.reversal.stan if kept.reversal is not None else None)
        return
    if answer.verdict is Verdict.PAID:
        _card_agreed(world, key, answer)
    paid = answer.verdict is Verdict.PAID and answer.kind is not PaymentKind.CASH_IC_BALANCE
    owed_minor = answer.amount.total_minor if paid and answer.amount is not None else 0
    if net_minor != owed_minor:
        world.violation(f"{key} is {answer.verdict} ({state}), and the host's net is {net_minor}, not {owed_minor}")


def _card_agreed(world: World, key: Key, answer: PaymentResult) -> None:
    """A chip card has the last word."""
    if answer.kind is not PaymentKind.SALE:
        return
    visits = {order.visit.name: order.visit for order in world.watch.orders.values() if order.key == key}
    chip = answer.card is not None and answer.card.entry_mode is EntryMode.IC
    if chip and len(visits) == 1 and {visit.card for visit in visits.values()} == {CardKind.IC_DECLINES}:
        world.violation(f"{key} is PAID, and its card declined")


def _needs_human(world: World, key: Key, terminal_id: str, stan: str | None) -> None:
    """Only after so many sendings whose bytes left."""
    left = world.watch.sendings.get((terminal_id, "04", stan or ""), 0)
    if left + world.watch.unseen < _TRIES:
        world.violation(f"{key} needs a human after {left} sendings of its reversal, not {_TRIES}")


def _host_against_orders(world: World) -> None:
    for entry in world.host.entries:
        order = world.watch.orders.get(entry.reference)
        if order is None:
            world.violation(f"the host has an order that nobody gave: {entry.reference}")
            continue
        if entry.kind in _SOLD and entry.amount_minor != order.amount_minor:
            world.violation(f"the host has {entry.reference} with {entry.amount_minor}, not {order.amount_minor}")
        if entry.customer and entry.kind in _BY_CARD and entry.customer != order.visit.name:
            world.violation(f"{entry.reference} was charged to the card of {entry.customer}")
        if entry.net_minor not in (0, entry.amount_minor):
            world.violation(f"the host's net of {entry.reference} is {entry.net_minor}")
        if not 0 <= entry.voided_minor <= entry.amount_minor:
            world.violation(f"{entry.voided_minor} of {entry.reference} were given back, of {entry.amount_minor}")


def _voids(world: World, contents: Contents) -> None:
    """What the journal says was given back of a payment is what the host has given back of it."""
    for entry in world.host.entries:
        order = world.watch.orders.get(entry.reference)
        kept = None if order is None else contents.payment(*order.key)
        if kept is None or entry.kind not in _SOLD or kept.amount_minor != entry.amount_minor or not entry.net_minor:
            continue
        back = [one for one in world.host.entries if one.takes_back is entry and not one.by_receipt]
        unsettled = [one for one in back if _state(world, contents, one.reference) == PaymentState.NEEDS_HUMAN]
        given_minor = sum(one.net_minor for one in back)
        if not unsettled and given_minor != kept.voided_minor:
            world.violation(
                f"{entry.reference}: {given_minor} were given back, and the journal says {kept.voided_minor}"
            )


def _state(world: World, contents: Contents, reference: str) -> PaymentState | None:
    order = world.watch.orders.get(reference)
    kept = None if order is None else contents.payment(*order.key)
    return None if kept is None else kept.state


def _leftovers(world: World) -> None:
    broker = world.processes["device_broker"].service
    pool = broker._pool
    if pool.lease_count:
        world.violation(f"{pool.lease_count} leases are left")
    for name in world.desktops:
        if pool.state(name) is not DeviceState.READY:
            world.violation(f"{name} is {pool.state(name)} in the end")
    desk = world.processes["transaction"].service._desk
    errands = len(desk.reversals.owed) + len(desk.inquiries.open)
    if desk.under_way or errands:
        world.violation(f"{desk.under_way} payments and {errands} errands are under way in the end")
    held = {entry.payment.payment_id for entry in desk._registry._live.values()}
    left = set(desk._originals._claims._holders.values()) - held
    if left:
        world.violation(f"claims are left, of {left}")
